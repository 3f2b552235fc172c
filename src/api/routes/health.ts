import type { OpenAPIHono } from "@hono/zod-openapi";
import { groupName } from "../../domain/symbol.ts";
import { toIso } from "../../domain/time.ts";
import { marketClock, wallClock } from "../../platform/clocks.ts";
import { errorText } from "../../platform/log.ts";
import { symbolGroupStub } from "../../platform/stubs.ts";
import { sqlClientOf } from "../../postgres/service-client.ts";
import { findingWarnings } from "../../routing/key-finding.ts";
import { carriesAll, policyCapacities, shortageText } from "../../routing/policy-capacity.ts";
import { policyStandings, standingWarnings } from "../../routing/policy-standing.ts";
import type { Settings } from "../../env.ts";
import { configHealth, type ConfigHealth } from "../config-health.ts";
import type { ApiEnv } from "../api-env.ts";
import { calendarWarnings, checkedCalendar } from "../calendar-view.ts";
import { type JobSourceView, jobSourceView, jobSourceWarning } from "../job-source-view.ts";
import { findingsOf, providerSnapshots } from "../provider-snapshots.ts";
import { sumTiers } from "../tier-sizes.ts";
import { VERSION } from "../version.ts";

/** Readiness is worked out at most this often. */
const READINESS_TTL_MS = 10_000;
/** The oldest flush that may wait for Postgres before the service counts as not ready, market ms. */
const MAX_UNDRAINED_MS = 300_000;

// At module load a Worker's clock reads zero: the first request starts the count.
let startedMs: number | null = null;

/** `GET /health`: alive. Touches nothing, needs no key. */
export function registerHealth(app: OpenAPIHono<ApiEnv>): void {
  app.get("/health", (context) => {
    const nowMs = wallClock.now();
    startedMs ??= nowMs;
    const uptimeS = Math.round((nowMs - startedMs) / 1_000);
    return context.json({ status: "ok", version: VERSION, uptime_s: uptimeS });
  });
}

interface Readiness {
  readonly ready: boolean;
  readonly reasons: string[];
  readonly warnings: string[];
  readonly config: ConfigHealth["view"];
  /** Null when it could not be found out. */
  readonly jobs: JobSourceView | null;
  readonly groups: { members: number; connections: number; undrained_oldest_s: number | null };
}

let cached: { atMs: number; readiness: Readiness } | null = null;

/** `GET /health/ready`: 200, or 503 with the reasons. Cached for 10 s. */
export function registerReadiness(app: OpenAPIHono<ApiEnv>): void {
  app.get("/health/ready", async (context) => {
    const nowMs = wallClock.now();
    if (cached === null || nowMs - cached.atMs > READINESS_TTL_MS) {
      cached = { atMs: nowMs, readiness: await readiness(context.var.settings, context.env) };
    }
    return context.json(cached.readiness, cached.readiness.ready ? 200 : 503);
  });
}

async function readiness(settings: Settings, env: Env): Promise<Readiness> {
  const reasons: string[] = [];
  const warnings: string[] = [];
  try {
    await sqlClientOf(settings).query({ text: "select 1", params: [] });
  } catch (error) {
    reasons.push(`database: ${errorText(error)}`);
  }
  const config = await configHealth(env);
  reasons.push(...config.reasons);
  warnings.push(...config.warnings);
  const findings = findingsOf(await providerSnapshots(env));
  warnings.push(...standingWarnings(policyStandings(settings, findings)));
  warnings.push(...findingWarnings(findings));
  // Group g00 keeps these two; that one which does not answer is told of below.
  const jobs = await jobSourceView(settings, env).catch(() => null);
  const jobsWarning = jobs === null ? null : jobSourceWarning(jobs);
  if (jobsWarning !== null) warnings.push(jobsWarning);
  warnings.push(...calendarWarnings(await checkedCalendar(settings, env).catch(() => null)));
  const asked = await Promise.allSettled(
    Array.from({ length: settings.symbolGroups }, (_, group) =>
      symbolGroupStub(env, group).status(),
    ),
  );
  asked.forEach((result, group) => {
    if (result.status === "rejected")
      reasons.push(`${groupName(group)} does not answer: ${errorText(result.reason)}`);
  });
  const statuses = asked
    .filter((result) => result.status === "fulfilled")
    .map((result) => result.value);
  const oldest = statuses.flatMap((status) =>
    status.undrainedOldestMs === null ? [] : [status.undrainedOldestMs],
  );
  const undrainedMs = oldest.length === 0 ? null : marketClock.now() - Math.min(...oldest);
  if (undrainedMs !== null && undrainedMs > MAX_UNDRAINED_MS) {
    reasons.push(`a flush has waited ${Math.round(undrainedMs / 1_000)} s for the database`);
  }
  for (const status of statuses) {
    if (status.drainFault !== null)
      reasons.push(`${groupName(status.group)} cannot drain: ${status.drainFault}`);
    warnings.push(
      ...status.drainNotes.map(
        ({ text, atMs }) => `${groupName(status.group)} at ${toIso(atMs)}: ${text}`,
      ),
    );
  }
  for (const { type, reason } of statuses.flatMap((status) => status.unserved))
    warnings.push(`${type} is unserved: ${reason}`);
  const members = statuses.reduce((sum, status) => sum + status.members, 0);
  if (members === 0) warnings.push("no symbol is served: the universe is empty");
  const short = policyCapacities(settings, sumTiers(statuses)).filter((each) => !carriesAll(each));
  warnings.push(...short.map(shortageText));
  return {
    ready: reasons.length === 0,
    reasons,
    warnings,
    config: config.view,
    jobs,
    groups: {
      members,
      connections: statuses.reduce((sum, status) => sum + status.connections, 0),
      undrained_oldest_s: undrainedMs === null ? null : Math.round(undrainedMs / 1_000),
    },
  };
}
