import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DEFAULT_PARAMETERS } from "../../../dev/monitoring/alert-parameters.ts";
import { ruleFile } from "../../../dev/monitoring/generated-files.ts";
import { type Prometheus, startPrometheus } from "../../../dev/monitoring/run-prometheus.ts";
import type { LocalStack } from "../../../dev/stack/local-stack.ts";
import { findProgram } from "../../support/find-program.ts";
import { startSmallStack } from "../../support/small-stack.ts";
import { waitFor } from "../../support/wait-for.ts";

const missing = ["prometheus", "promtool"].filter((name) => findProgram(name) === null);
const TIMEOUT_MS = 240_000;
/** Symbols are owed minutes from the start on, and the first of them is due after three and a half. */
const MINUTES = 6;

/** Lints of promtool about names that are given: they have a unit and a type in them. */
const GIVEN_NAMES = [
  /^(?:provider_latency|write_batch|ws_publish_latency)_ms metric names should not contain abbreviated units$/,
  /^ws_clients_gauge metric name should not include type 'gauge'$/,
];

describe.skipIf(missing.length > 0)(
  `a Prometheus beside the stack (missing: ${missing.join(", ") || "nothing"}; Debian package prometheus)`,
  { timeout: TIMEOUT_MS },
  () => {
    let dir = "";
    let stack: LocalStack;
    let prometheus: Prometheus;

    beforeAll(async () => {
      dir = mkdtempSync(join(tmpdir(), "mds-prometheus-"));
      const small = await startSmallStack(dir, 30);
      stack = small.stack;
      await small.goOn(MINUTES);
      prometheus = await startPrometheus({
        dir: join(dir, "prometheus"),
        serviceUrl: stack.serviceUrl(),
        key: stack.key,
        job: DEFAULT_PARAMETERS.job,
        rules: ruleFile(DEFAULT_PARAMETERS),
        scrapeEvery: "1s",
        evaluateEvery: "1s",
      });
    }, TIMEOUT_MS);

    afterAll(async () => {
      await prometheus?.stop();
      await stack?.stop();
      rmSync(dir, { recursive: true, force: true });
    });

    const scrape = async (accept: string) => {
      const headers = { authorization: `Bearer ${stack.key}`, accept };
      return await (await fetch(`${stack.serviceUrl()}/metrics`, { headers })).text();
    };

    it("scrapes it, by key, with no fault", async () => {
      const up = await waitFor(async () => {
        const [target] = await prometheus.targets();
        return target?.health === "unknown" ? undefined : target;
      });
      expect(up).toMatchObject({ health: "up", lastError: "" });
      expect(up.labels["job"]).toBe(DEFAULT_PARAMETERS.job);
    });

    it("has the metrics of every kind of object, no label with a symbol, and ages in seconds", async () => {
      const value = async (expr: string) =>
        await waitFor(async () => (await prometheus.query(expr))[0]?.value);
      expect(await value("sum(jobs_processed_total)")).toBeGreaterThan(0);
      expect(await value("sum(write_batch_ms_count)")).toBeGreaterThan(0);
      expect(await value("count(provider_health_score)")).toBeGreaterThan(0);
      expect(await value("market_open")).toBe(1);
      expect(await value('slo_gap_violation_rate{tier="T0",interval="1m"}')).toBeLessThanOrEqual(1);
      expect(await value('backfill_queue_depth{tier="T2"}')).toBeGreaterThanOrEqual(0);
      // Of an age that were still a time, a scrape would show some 10^9 seconds.
      const ages = await prometheus.query('{__name__=~".*_seconds",__name__!~"scrape_.*"}');
      expect(Math.max(...ages.map((sample) => sample.value))).toBeLessThan(86_400);
      const labels = (await prometheus.query('{job="market-data-service"}')).map((s) => s.labels);
      expect(JSON.stringify(labels)).not.toMatch(/"(?:SPY|AAPL|MSFT)"/);
    });

    it("has loaded the rules, and can evaluate each", async () => {
      const rules = await waitFor(async () => {
        const all = await prometheus.rules();
        return all.every(({ health }) => health !== "unknown") ? all : undefined;
      });
      expect(rules).toHaveLength(14);
      expect(rules.filter(({ health }) => health !== "ok")).toEqual([]);
    });

    it("reads the same of both formats", async () => {
      const names = (text: string) =>
        [...text.matchAll(/^(\w+)(?:\{[^}]*\})? /gm)].map(([, name]) => name);
      const open = await scrape("application/openmetrics-text");
      expect(open.endsWith("# EOF\n")).toBe(true);
      expect(new Set(names(open))).toEqual(new Set(names(await scrape("text/plain"))));
    });

    it("has nothing for promtool to lint but names that are given", async () => {
      const text = await scrape("text/plain");
      const { stdout, stderr } = spawnSync("promtool", ["check", "metrics"], {
        input: text,
        encoding: "utf8",
      });
      const lints = `${stdout}${stderr}`.split("\n").filter((line) => line !== "");
      expect(lints.filter((line) => !GIVEN_NAMES.some((given) => given.test(line)))).toEqual([]);
      expect(execFileSync("promtool", ["--version"], { encoding: "utf8" })).toContain("promtool");
    });
  },
);
