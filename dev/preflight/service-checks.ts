import { z } from "zod";
import { type Answer, faultOf, problemCode } from "../deployment/ask.ts";
import { PROBE_STEPS } from "../probe/probe-stream.ts";
import { type Check, fail, type Finding, ok, unknown, warn } from "./check.ts";

/** A sample that is due may be late by an alarm that slips. */
const MAX_SAMPLE_LATE_S = 180;

const sloSchema = z.object({
  at: z.iso.datetime(),
  state: z.enum(["measured", "unknown"]).nullable(),
  reason: z.string().nullable(),
  next_sample_at: z.iso.datetime(),
  samples: z.array(z.object({ at: z.iso.datetime() })),
});

/** The monitor of service levels: is it at work, and can it see Postgres. */
export const sloRuns: Check = {
  name: "SLO monitor",
  run: async ({ deployment }) => {
    const answer = await deployment.get("/ops/slo?samples=1");
    const slo = parsed(answer, sloSchema);
    if (slo === null) return refused(answer, "docs/operate.md#slounknown");
    const lateS = (Date.parse(slo.at) - Date.parse(slo.next_sample_at)) / 1_000;
    const [last] = slo.samples;
    if (last === undefined)
      return warn("no sample yet", "the first one comes when the market opens; look again then");
    if (lateS > MAX_SAMPLE_LATE_S)
      return fail(`the next sample is ${Math.round(lateS)} s late`, "docs/operate.md#slounknown");
    if (slo.state !== "measured")
      return fail(
        `it can't measure: ${slo.reason ?? "no reason given"}`,
        "docs/operate.md#slounknown",
      );
    return ok(`last sample ${last.at}, next ${slo.next_sample_at}`);
  },
};

/** The operator's routes of dead letters. */
export const deadLetters: Check = {
  name: "dead letter routes",
  run: async ({ deployment }) => {
    const list = await deployment.get("/ops/dlq/backfills?limit=1");
    if (parsed(list, z.object({ letters: z.array(z.unknown()) })) === null)
      return refused(list, "GET /ops/dlq/backfills; it reads the database");
    const answer = await deployment.get("/ops/dlq/stats");
    const stats = parsed(answer, z.object({ total: z.number() }));
    if (stats === null) return refused(answer, "GET /ops/dlq/stats; it reads the database");
    if (stats.total > 0)
      return warn(`${stats.total} letters are dead`, "docs/operate.md, section Dead letters");
    return ok("they answer, and none is dead");
  },
};

/** Spans cost time and money: they are for looking into something. */
export const tracingOff: Check = {
  name: "tracing is off",
  run: async ({ deployment }) => {
    const answer = await deployment.get("/ops/traces");
    if (answer.kind === "silent") return unknown(faultOf(answer), "see the checks above");
    const isMissing = answer.status === 501 || problemCode(answer) === "not_found";
    if (isMissing) return unknown("this release has no GET /ops/traces", "nothing to do");
    const said = z.looseObject({ enabled: z.boolean() }).safeParse(answer.body);
    const isOn = answer.status === 200 && !(said.success && !said.data.enabled);
    if (isOn) return fail("TRACE_ENABLED is true", "set it to false in wrangler.toml and deploy");
    return answer.status === 200 || answer.status === 404 || answer.status === 409
      ? ok("TRACE_ENABLED is not true")
      : unknown(faultOf(answer), "GET /ops/traces");
  },
};

/** The configuration that is in force. */
export const configStored: Check = {
  name: "configuration",
  run: async ({ deployment }) => {
    const answer = await deployment.get("/ops/config");
    if (isNotBuilt(answer)) return unknown("this release has no GET /ops/config", "nothing to do");
    const config = parsed(answer, z.looseObject({ version: z.number() }));
    if (config === null) return refused(answer, "GET /ops/config");
    return ok(`version ${config.version}`);
  },
};

/** Keys beside the bootstrap key, which is for making them. */
export const keysMade: Check = {
  name: "keys",
  run: async ({ deployment }) => {
    const answer = await deployment.get("/ops/keys");
    if (isNotBuilt(answer)) return unknown("this release has no GET /ops/keys", "nothing to do");
    const listed = parsed(answer, z.object({ keys: z.array(z.looseObject({ role: z.string() })) }));
    if (listed === null) return refused(answer, "GET /ops/keys");
    const roles = new Set(listed.keys.map(({ role }) => role));
    const lacks = ["read", "metrics"].filter((role) => !roles.has(role));
    if (lacks.length > 0)
      return warn(`no key of role ${lacks.join(" and ")}`, "docs/deploy.md, section Keys");
    return ok(`${listed.keys.length} keys`);
  },
};

/** The stream, as a client opens it. */
export const streamWorks: Check = {
  name: "WebSocket probe",
  run: async ({ deployment }) => {
    const { ok: works, ms, failure } = await deployment.probe();
    if (!works) return fail(failure ?? "no reason", "npm run probe -- --url URL --key-env NAME");
    return ok(PROBE_STEPS.map((step) => `${step} ${Math.round(ms[step] ?? 0)} ms`).join(", "));
  },
};

function parsed<T>(answer: Answer, schema: z.ZodType<T>): T | null {
  if (answer.kind === "silent" || answer.status !== 200) return null;
  const read = schema.safeParse(answer.body);
  return read.success ? read.data : null;
}

function isNotBuilt(answer: Answer): boolean {
  const code = problemCode(answer);
  return code === "not_implemented" || code === "not_found";
}

function refused(answer: Answer, todo: string): Finding {
  if (answer.kind === "silent") return unknown(faultOf(answer), "see the checks above");
  if (answer.status === 200) return fail("the answer is not the expected one", todo);
  return fail(faultOf(answer), todo);
}
