import type { Context } from "hono";
import { z } from "zod";
import { liveConfig } from "../config/live-settings.ts";
import { proposeConfig } from "../config/propose-config.ts";
import { pushConfig } from "../config/push-config.ts";
import type { ServiceConfig } from "../contracts/config.ts";
import type { ConfigOrigin, ConfigStamp, ConfigState } from "../contracts/config-version.ts";
import { readSettings } from "../env.ts";
import { log } from "../platform/log.ts";
import { configStoreStub } from "../platform/stubs.ts";
import { MAX_REASON_TEXT } from "../routing/isolation.ts";
import type { ApiEnv } from "./api-env.ts";
import { behindView } from "./config-view.ts";
import { configEtag, expectedVersion } from "./if-match.ts";
import { findingsOf, providerSnapshots } from "./provider-snapshots.ts";
import { problem } from "./problem.ts";
import { tierSizes } from "./tier-sizes.ts";

/** The parameters of every route that changes the configuration. */
export const changeQuerySchema = z.object({
  dry_run: z.enum(["true", "false"]).default("false"),
  reason: z.string().trim().min(1).max(MAX_REASON_TEXT).optional(),
});

/** A configuration that is asked for. What `given` leaves out is the deployment's. */
export interface ConfigAsk {
  readonly given: unknown;
  readonly origin: ConfigOrigin;
  readonly query: z.output<typeof changeQuerySchema>;
}

/** The version that `If-Match` names is still the active one, or the problem to answer with. */
export async function activeVersion(
  context: Context<ApiEnv>,
  isRequired: boolean,
): Promise<{ readonly state: ConfigState } | { readonly refused: Response }> {
  const expected = expectedVersion(context.req.header("if-match"));
  if (expected === "other" || (expected === null && isRequired)) {
    const detail = 'say which version you have read: If-Match: "VERSION", the ETag of /ops/config';
    return { refused: problem(context, 428, { code: "precondition_required", detail }) };
  }
  const state = await configStoreStub(context.env).configState(null);
  if (expected !== null && expected !== state.active.version)
    return { refused: versionMismatch(context, state.active, expected) };
  return { state };
}

/** Checks a configuration and makes it the active one, if nobody has been faster; a dry run changes nothing. */
export async function changeConfig(
  context: Context<ApiEnv>,
  { active, inForce, fault }: ConfigState,
  { given, origin, query }: ConfigAsk,
): Promise<Response> {
  const { env } = context;
  const live = liveConfig(env);
  const current = await live.learn(inForce);
  // Somebody has been faster since: held against a later version, a change would seem to be none.
  if (current.configVersion !== inForce.version)
    return versionMismatch(context, { version: current.configVersion }, active.version);
  const world = {
    sizes: await tierSizes(current, env),
    findings: findingsOf(await providerSnapshots(env)),
  };
  const proposed = proposeConfig(given, deploymentConfig(env), current, world);
  if (!proposed.ok) {
    const { faults, checks } = proposed;
    const detail = `the configuration has ${faults.length} faults; nothing was changed`;
    return problem(context, 422, { code: "invalid_config", detail, extra: { faults, checks } });
  }
  const { config, changes, checks } = proposed;
  // A version that can't be read is replaced even by what is in force without it.
  const isSame = changes.length === 0 && fault === null && isTold(origin, active.origin);
  const answer = { dry_run: query.dry_run === "true", changed: !isSame, changes, checks };
  if (isSame || answer.dry_run) {
    context.header("ETag", configEtag(active.version));
    return context.json({ ...answer, version: active.version, confirmed: [], unconfirmed: [] });
  }
  const swapped = await configStoreStub(env).swapConfig({
    expected: active.version,
    body: JSON.stringify(config),
    origin,
    actor: context.var.keyId,
    reason: query.reason ?? null,
  });
  if (!swapped.ok) return versionMismatch(context, swapped.version, active.version);
  const { version, atMs } = swapped.version;
  log("info", "the configuration was changed", { version, origin, changes: changes.length });
  await live.learn({ version, atMs });
  const objects = await pushConfig({ version, atMs }, current.symbolGroups, env);
  const unconfirmed = behindView(objects, version);
  const behind = new Set(unconfirmed.map(({ object }) => object));
  const confirmed = objects.flatMap(({ object }) => (behind.has(object) ? [] : [object]));
  context.header("ETag", configEtag(version));
  return context.json({ ...answer, version, confirmed, unconfirmed });
}

/** What the deployment's variables say. */
export function deploymentConfig(env: Env): ServiceConfig {
  const read = readSettings(env);
  if (!read.ok) throw new Error("the service is not configured");
  return read.settings.config;
}

/** Whose the configuration is matters once: the next deploy's variables replace only the variables'. */
function isTold(origin: ConfigOrigin, active: ConfigOrigin): boolean {
  return (origin === "variables") === (active === "variables");
}

function versionMismatch(
  context: Context<ApiEnv>,
  active: Pick<ConfigStamp, "version">,
  expected: number,
): Response {
  context.header("ETag", configEtag(active.version));
  return problem(context, 412, {
    code: "version_mismatch",
    detail: `version ${active.version} is the active one, not ${expected}: read it and try again`,
    extra: { version: active.version },
  });
}
