import { toIso } from "../domain/time.ts";
import type { Settings } from "../env.ts";
import { symbolGroupStub } from "../platform/stubs.ts";
import { SERVICE_GROUP } from "../symbol-group/service-duties.ts";

/** Who says what is polled, as readiness shows it. `since` and `silent_since` are market time. */
export interface JobSourceView {
  readonly source: "rlc" | "sweeper";
  /** Whether there is a rate-limit coordinator to take the polls from. */
  readonly rlc_configured: boolean;
  readonly since: string | null;
  /** Since when the coordinator has not answered, and what came instead; null while it answers. */
  readonly silent_since: string | null;
  readonly reason: string | null;
}

/** Asks group g00 who is in charge of the polls. Rejects when it does not answer. */
export async function jobSourceView(settings: Settings, env: Env): Promise<JobSourceView> {
  const sweeper = { source: "sweeper", since: null, silent_since: null, reason: null } as const;
  if (settings.rlc === null) return { ...sweeper, rlc_configured: false };
  const state = await symbolGroupStub(env, SERVICE_GROUP).jobSource();
  return {
    source: state.source,
    rlc_configured: true,
    since: toIso(state.sinceMs),
    silent_since: state.silence === null ? null : toIso(state.silence.sinceMs),
    reason: state.silence?.reason ?? null,
  };
}

/** What readiness warns of: a coordinator that is configured and does not hand out the jobs. */
export function jobSourceWarning(view: JobSourceView): string | null {
  if (!view.rlc_configured || view.source === "rlc") return null;
  if (view.silent_since === null)
    return "the rate-limit coordinator has not been asked yet: the local sweeper plans the polls";
  return `the rate-limit coordinator has not answered since ${view.silent_since} (${view.reason ?? ""}): the local sweeper plans the polls`;
}
