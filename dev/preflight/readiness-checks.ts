import { z } from "zod";
import { faultOf, problemCode } from "../deployment/ask.ts";
import { type Check, fail, type Finding, ok, unknown, warn } from "./check.ts";
import type { World } from "./world.ts";

const MAX_SHOWN = 5;
/** The cron comes each minute; one may slip. */
const MAX_TICK_AGE_S = 180;

/** What is read of readiness; a release that does not say something leaves it out. */
const readinessSchema = z.looseObject({
  ready: z.boolean(),
  reasons: z.array(z.string()),
  warnings: z.array(z.string()),
  database: z.object({ migration: z.string().nullable() }).optional(),
  cron: z.object({ last_tick_at: z.string().nullable() }).optional(),
});
type Readiness = z.infer<typeof readinessSchema>;

/** Liveness, and whether this checkout is what runs there. */
export const reachable: Check = {
  name: "reachable",
  run: async ({ deployment, repository }) => {
    const answer = await deployment.get("/health");
    if (answer.kind === "silent" || answer.status !== 200)
      return fail(
        faultOf(answer),
        "is it deployed, and is --url right? npx wrangler deployments list",
      );
    const health = z.object({ version: z.string() }).safeParse(answer.body);
    if (!health.success) return fail("GET /health is not this service's", "is --url right?");
    const { version } = health.data;
    const ours = z
      .object({ version: z.string() })
      .safeParse(JSON.parse(repository.read("package.json") ?? "{}"));
    if (ours.success && ours.data.version !== version)
      return warn(
        `it runs ${version}, this checkout is ${ours.data.version}`,
        "check with the checkout that was deployed, or deploy this one: npm run deploy",
      );
    return ok(`version ${version}`);
  },
};

/** Bindings, variables and secrets, as the service itself judges them. */
export const configured: Check = {
  name: "variables and secrets",
  run: async ({ readiness }) => {
    if (readiness.kind === "silent") return unreachable();
    const code = problemCode(readiness);
    if (readiness.status === 401 || readiness.status === 403)
      return fail("the key is refused", "give a key of role ops: --key-env names its variable");
    if (code === "not_configured")
      return fail(faultOf(readiness), "npx wrangler secret put NAME, or [vars] of wrangler.toml");
    if (code !== null)
      return fail(faultOf(readiness), "ask again in a minute; then the Workers logs");
    return ok("every binding, variable and secret that the service needs is there");
  },
};

/** Whether the service says that it does its work. */
export const ready: Check = {
  name: "ready",
  run: async (world) =>
    judged(world, ({ reasons, warnings, ready: isReady }) => {
      if (!isReady) return fail(listed(reasons), "docs/operate.md, section Readiness");
      if (warnings.length > 0) return warn(listed(warnings), "docs/operate.md, section Readiness");
      return ok("no reason against it, no warning");
    }),
};

/** The database against the newest migration of this checkout. */
export const migrated: Check = {
  name: "database migrations",
  run: async (world) =>
    judged(world, ({ database }) => {
      const newest = world.repository
        .list("migrations")
        .filter((name) => /^\d{4}_.*\.sql$/.test(name))
        .map((name) => name.replace(/\.sql$/, ""))
        .toSorted()
        .at(-1);
      if (database === undefined)
        return unknown("this release does not say", "npm run migrate says");
      const { migration } = database;
      if (migration === null)
        return fail("the database has none, or does not answer", "DATABASE_URL=… npm run migrate");
      if (newest === undefined)
        return unknown("this checkout has no migrations", "use a whole one");
      if (migration < newest)
        return fail(`${migration}; this checkout has ${newest}`, "DATABASE_URL=… npm run migrate");
      if (migration > newest)
        return warn(`${migration} is later than this checkout's ${newest}`, "use a newer checkout");
      return ok(`${migration} is the newest`);
    }),
};

/** The minute cron. */
export const cronFires: Check = {
  name: "cron",
  run: async (world) =>
    judged(world, ({ cron }) => {
      if (cron === undefined)
        return unknown("this release does not say", "look in the Workers logs");
      if (cron.last_tick_at === null)
        return warn(
          "no tick has come yet",
          "wait: a changed trigger takes up to 15 minutes; then the Worker's Triggers in the dashboard",
        );
      const ageS = Math.round((world.nowMs() - Date.parse(cron.last_tick_at)) / 1_000);
      if (ageS > MAX_TICK_AGE_S)
        return fail(
          `the last tick is ${ageS} s old`,
          "the Worker's Triggers in the dashboard; its logs",
        );
      return ok(`the last tick is ${ageS} s old`);
    }),
};

function judged({ readiness }: World, judge: (readiness: Readiness) => Finding): Finding {
  if (readiness.kind === "silent") return unreachable();
  const parsed = readinessSchema.safeParse(readiness.body);
  if (!parsed.success) return unknown(`readiness: ${faultOf(readiness)}`, "see the checks above");
  return judge(parsed.data);
}

function unreachable(): Finding {
  return unknown("the deployment does not answer", "see the checks above");
}

function listed(texts: readonly string[]): string {
  const rest = texts.length - MAX_SHOWN;
  return `${texts.slice(0, MAX_SHOWN).join("; ")}${rest > 0 ? `; and ${rest} more` : ""}`;
}
