import { z } from "zod";
import { faultOf } from "../deployment/ask.ts";
import { type Check, fail, ok, unknown, warn } from "./check.ts";

const RULES_FILE = "deploy/monitoring/alerts-slo.yaml";
const DASHBOARDS = "deploy/monitoring/grafana";
/** Every minute at least, as the rules take it. */
const MAX_SCRAPE_AGE_S = 120;

const targetsSchema = z.object({
  data: z.object({
    activeTargets: z.array(
      z.object({
        scrapeUrl: z.string(),
        health: z.string(),
        lastError: z.string(),
        lastScrape: z.string(),
      }),
    ),
  }),
});
const rulesSchema = z.object({
  data: z.object({
    groups: z.array(z.object({ rules: z.array(z.object({ type: z.string(), name: z.string() })) })),
  }),
});
const dashboardSchema = z.looseObject({ title: z.string(), uid: z.string() });
const foundSchema = z.array(z.looseObject({ uid: z.string() }));

/** The names of the alerts of a rules file. */
export function alertNames(yaml: string): string[] {
  return Array.from(yaml.matchAll(/^\s*-?\s*alert:\s*"?(\w+)"?\s*$/gm), ([, name = ""]) => name);
}

/** Prometheus scrapes this deployment's metrics. */
export const scraped: Check = {
  name: "Prometheus scrapes",
  run: async ({ prometheus, deployment, nowMs }) => {
    if (prometheus === null) return unknown("no --prometheus was given", "--prometheus URL");
    const answer = await prometheus("/api/v1/targets?state=active");
    const targets = targetsSchema.safeParse(answer.kind === "answer" ? answer.body : null);
    if (!targets.success) return fail(`Prometheus: ${faultOf(answer)}`, "is --prometheus right?");
    const ours = targets.data.data.activeTargets.find(({ scrapeUrl }) => {
      const url = new URL(scrapeUrl);
      return url.host === deployment.host && url.pathname === "/metrics";
    });
    if (ours === undefined)
      return fail(`no target scrapes ${deployment.host}`, "deploy/monitoring/prometheus.yml");
    if (ours.health !== "up")
      return fail(
        `the target is ${ours.health}: ${ours.lastError}`,
        "has it a key of role metrics?",
      );
    const ageS = Math.round((nowMs() - Date.parse(ours.lastScrape)) / 1_000);
    if (ageS > MAX_SCRAPE_AGE_S)
      return warn(`the last scrape is ${ageS} s old`, "scrape_interval: 15s to 60s");
    return ok(`the last scrape is ${ageS} s old`);
  },
};

/** The committed alerts, and whether Prometheus has loaded them. */
export const alertsLoaded: Check = {
  name: "alerts",
  run: async ({ prometheus, repository }) => {
    const yaml = repository.read(RULES_FILE);
    if (yaml === null) return unknown(`this checkout has no ${RULES_FILE}`, "nothing to do");
    const names = alertNames(yaml);
    if (names.length === 0) return fail(`${RULES_FILE} has no alert`, "render it anew");
    if (prometheus === null)
      return unknown(
        `${names.length} in the checkout; no --prometheus was given`,
        "--prometheus URL",
      );
    const answer = await prometheus("/api/v1/rules?type=alert");
    const rules = rulesSchema.safeParse(answer.kind === "answer" ? answer.body : null);
    if (!rules.success) return fail(`Prometheus: ${faultOf(answer)}`, "is --prometheus right?");
    const loaded = new Set(
      rules.data.data.groups.flatMap((group) => group.rules.map(({ name }) => name)),
    );
    const lacks = names.filter((name) => !loaded.has(name));
    if (lacks.length > 0)
      return fail(`not loaded: ${lacks.join(", ")}`, `load ${RULES_FILE} (rule_files)`);
    return ok(`${names.length} alerts are loaded`);
  },
};

/** The committed dashboards, and whether Grafana has them. */
export const dashboardsThere: Check = {
  name: "dashboards",
  run: async ({ grafana, repository }) => {
    const files = repository.list(DASHBOARDS).filter((name) => name.endsWith(".json"));
    if (files.length === 0) return unknown(`this checkout has no ${DASHBOARDS}`, "nothing to do");
    const boards = files.map((name) =>
      dashboardSchema.safeParse(JSON.parse(repository.read(`${DASHBOARDS}/${name}`) ?? "null")),
    );
    if (boards.some(({ success }) => !success))
      return fail("a file has no title or uid", `render ${DASHBOARDS} anew`);
    if (grafana === null)
      return unknown(`${files.length} in the checkout; no --grafana was given`, "--grafana URL");
    const answer = await grafana("/api/search?type=dash-db&limit=5000");
    const found = foundSchema.safeParse(answer.kind === "answer" ? answer.body : null);
    if (!found.success) return fail(`Grafana: ${faultOf(answer)}`, "is --grafana right?");
    const uids = new Set(found.data.map(({ uid }) => uid));
    const lacks = boards.flatMap(({ data }) =>
      data === undefined || uids.has(data.uid) ? [] : [data.title],
    );
    if (lacks.length > 0) return fail(`not imported: ${lacks.join(", ")}`, `import ${DASHBOARDS}`);
    return ok(`${files.length} dashboards are imported`);
  },
};
