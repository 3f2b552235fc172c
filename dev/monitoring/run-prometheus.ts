import { type ChildProcess, spawn } from "node:child_process";
import { createWriteStream, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { z } from "zod";
import { freePort } from "../stack/runtime.ts";
import { prometheusConfig } from "./prometheus-config.ts";
import { toYaml } from "./yaml.ts";

const START_TIMEOUT_MS = 30_000;
const STOP_TIMEOUT_MS = 10_000;
const POLL_MS = 100;
const REQUEST_TIMEOUT_MS = 10_000;

/** What a Prometheus beside a local stack is started with. */
export interface PrometheusOptions {
  /** Where its files are kept. */
  readonly dir: string;
  /** `http://127.0.0.1:port` of the service. */
  readonly serviceUrl: string;
  readonly key: string;
  readonly job: string;
  /** Text of the rule file. */
  readonly rules: string;
  readonly scrapeEvery: string;
  readonly evaluateEvery: string;
}

const targetsSchema = z.object({
  data: z.object({
    activeTargets: z.array(
      z.object({
        labels: z.record(z.string(), z.string()),
        health: z.string(),
        lastError: z.string(),
      }),
    ),
  }),
});
const rulesSchema = z.object({
  data: z.object({
    groups: z.array(
      z.object({
        rules: z.array(
          z.object({
            name: z.string(),
            state: z.enum(["inactive", "pending", "firing"]),
            health: z.string(),
            alerts: z.array(
              z.object({ labels: z.record(z.string(), z.string()), state: z.string() }),
            ),
          }),
        ),
      }),
    ),
  }),
});
const querySchema = z.object({
  data: z.object({
    result: z.array(
      z.object({
        metric: z.record(z.string(), z.string()),
        value: z.tuple([z.number(), z.string()]),
      }),
    ),
  }),
});

/** A target as Prometheus sees it. */
export type ScrapeTarget = z.output<typeof targetsSchema>["data"]["activeTargets"][number];
/** An alert rule with its state. */
export type RuleState = z.output<typeof rulesSchema>["data"]["groups"][number]["rules"][number];
/** A sample of an instant query. */
export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** A Prometheus on the loopback interface, as a child of this process. */
export interface Prometheus {
  readonly url: string;
  targets(): Promise<ScrapeTarget[]>;
  rules(): Promise<RuleState[]>;
  query(expr: string): Promise<Sample[]>;
  /** Ends it and waits until it is gone. */
  stop(): Promise<void>;
}

/** Starts Prometheus and waits until it is ready. Rejects when the program is missing or does not start. */
export async function startPrometheus(options: PrometheusOptions): Promise<Prometheus> {
  const { dir, serviceUrl, key, job, scrapeEvery, evaluateEvery } = options;
  mkdirSync(dir, { recursive: true });
  const [keyFile, ruleFile, configFile] = ["key", "rules.yaml", "prometheus.yml"].map((name) =>
    join(dir, name),
  );
  writeFileSync(keyFile ?? "", key, { mode: 0o600 });
  writeFileSync(ruleFile ?? "", options.rules);
  const config = prometheusConfig({
    target: new URL(serviceUrl).host,
    scheme: "http",
    job,
    keyFile: keyFile ?? "",
    ruleFile: ruleFile ?? "",
    scrapeEvery,
    evaluateEvery,
  });
  writeFileSync(configFile ?? "", toYaml(config));
  const url = `http://127.0.0.1:${await freePort()}`;
  const child = spawn(
    "prometheus",
    [
      `--config.file=${configFile}`,
      `--storage.tsdb.path=${join(dir, "data")}`,
      `--web.listen-address=${new URL(url).host}`,
      "--log.level=warn",
    ],
    { stdio: ["ignore", "pipe", "pipe"] },
  );
  const log = createWriteStream(join(dir, "prometheus.log"));
  child.stdout.pipe(log, { end: false });
  child.stderr.pipe(log, { end: false });
  const stop = () => stopChild(child);
  try {
    await untilReady(url, child);
  } catch (error) {
    await stop();
    throw error;
  }
  const ask = async <T>(path: string, schema: z.ZodType<T>): Promise<T> => {
    const response = await fetch(url + path, { signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS) });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return schema.parse(await response.json());
  };
  return {
    url,
    targets: async () => (await ask("/api/v1/targets", targetsSchema)).data.activeTargets,
    rules: async () =>
      (await ask("/api/v1/rules?type=alert", rulesSchema)).data.groups.flatMap(
        (group) => group.rules,
      ),
    query: async (expr) =>
      (await ask(`/api/v1/query?query=${encodeURIComponent(expr)}`, querySchema)).data.result.map(
        ({ metric, value: [, value] }) => ({ labels: metric, value: Number(value) }),
      ),
    stop,
  };
}

async function untilReady(url: string, child: ChildProcess): Promise<void> {
  let failed: Error | null = null;
  child.once("error", (error) => (failed = error));
  const deadline = performance.now() + START_TIMEOUT_MS;
  while (performance.now() < deadline) {
    if (failed !== null) throw new Error(`prometheus can't be started: ${String(failed)}`);
    if (child.exitCode !== null) throw new Error(`prometheus ended with ${child.exitCode}`);
    try {
      const response = await fetch(`${url}/-/ready`, { signal: AbortSignal.timeout(2_000) });
      if (response.ok) return;
    } catch {
      // Not up yet.
    }
    await delay(POLL_MS);
  }
  throw new Error(`prometheus was not ready within ${START_TIMEOUT_MS / 1_000} s`);
}

async function stopChild(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  child.kill("SIGTERM");
  await Promise.race([ended, delay(STOP_TIMEOUT_MS, undefined, { ref: false })]);
  child.kill("SIGKILL");
  await ended;
}
