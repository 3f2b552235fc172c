import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { bundleService, freePort, startRuntime } from "./stack/runtime.ts";

const EXIT_USAGE = 2;
const ROUNDS = 3;
const GAP_ROUNDS = 15;
const JOBS = 500;
const BATCHED_HOLES = 4_000;
/** Rounds are timed from outside: the clock of a Worker stands still while it computes. */
const REQUEST_TIMEOUT_MS = 300_000;

/** A deployment that can ask nobody. */
const VARIABLES = {
  ENVIRONMENT: "development",
  DATABASE_URL: "postgres://u:p@127.0.0.1/none",
  BOOTSTRAP_KEY: "bench-bootstrap-key-0123456789",
};

/** Asks the runtime for one round and answers what it took, ms. */
type Round = <T>(path: string, schema: z.ZodType<T>) => Promise<{ ms: number; body: T }>;

/** A benchmark: its figures by name, and the aims that they are held against, in words. */
interface Bench {
  readonly aim: string;
  readonly run: (round: Round) => Promise<Readonly<Record<string, number>>>;
}

const BENCHES: Readonly<Record<string, Bench>> = {
  queue: {
    aim: "jobs_per_s >= 2000 (enqueue -> lease -> finish, a hole a job, an instant provider)",
    run: async (round) => {
      const rate = async (holes: number, batched: boolean) => {
        const times = await repeat(ROUNDS, async () => {
          const path = `/bench/queue?holes=${holes}&batched=${batched}`;
          const { ms, body } = await round(path, z.object({ left: z.number() }));
          if (body.left > 0) throw new Error(`${body.left} holes were left`);
          return ms;
        });
        return (holes / median(times)) * 1_000;
      };
      return {
        jobs_per_s: Math.round(await rate(JOBS, false)),
        holes_per_s_batched: Math.round(await rate(BATCHED_HOLES, true)),
      };
    },
  },
  gaps: {
    aim: "us_per_symbol < 10 (8,000 symbols, one session, 2 % missing)",
    run: async (round) => {
      const schema = z.object({ symbols: z.number(), holes: z.number() });
      let symbols = 1;
      const times = await repeat(GAP_ROUNDS, async () => {
        const { ms, body } = await round("/bench/gaps", schema);
        symbols = body.symbols;
        return ms;
      });
      return {
        us_per_symbol: Number(((median(times) * 1_000) / symbols).toFixed(2)),
        best_us_per_symbol: Number(((Math.min(...times) * 1_000) / symbols).toFixed(2)),
      };
    },
  },
};

/** Runs `act` so often, the first time to warm up; answers the others' results. */
async function repeat(times: number, act: () => Promise<number>): Promise<number[]> {
  await act();
  const results: number[] = [];
  for (let i = 0; i < times; i += 1) results.push(await act());
  return results;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

/** `npm run bench -- [NAME ...] [--json]`: all benchmarks, or some; with --json the last line is JSON. */
async function main(argv: readonly string[]): Promise<number> {
  const isJson = argv.includes("--json");
  const asked = argv.filter((argument) => argument !== "--json");
  const unknown = asked.filter((name) => BENCHES[name] === undefined);
  if (unknown.length > 0) {
    console.error(`unknown benchmark: ${unknown.join(", ")}`);
    console.error(`usage: npm run bench -- [${Object.keys(BENCHES).join(" ")}] [--json]`);
    return EXIT_USAGE;
  }
  const root = dirname(dirname(fileURLToPath(import.meta.url)));
  const stateDir = mkdtempSync(join(tmpdir(), "mds-bench-"));
  process.on("exit", () => rmSync(stateDir, { recursive: true, force: true }));
  const bundle = await bundleService(root, stateDir, "dev/bench-worker.ts");
  const port = await freePort();
  const logFile = join(stateDir, "runtime.log");
  const runtime = await startRuntime({
    root,
    stateDir,
    bundle,
    port,
    variables: VARIABLES,
    logFile,
  });
  const figures: Record<string, Readonly<Record<string, number>>> = {};
  try {
    for (const [name, bench] of Object.entries(BENCHES)) {
      if (asked.length > 0 && !asked.includes(name)) continue;
      figures[name] = await bench.run(async (path, schema) => {
        const startMs = performance.now();
        const signal = AbortSignal.timeout(REQUEST_TIMEOUT_MS);
        const response = await fetch(runtime.url + path, { signal });
        if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
        const body = schema.parse(await response.json());
        return { ms: performance.now() - startMs, body };
      });
      const parts = Object.entries(figures[name]).map(([key, value]) => `${key} ${value}`);
      console.log(`${name}: ${parts.join(", ")}; aim: ${bench.aim}`);
    }
  } finally {
    await runtime.stop();
  }
  if (isJson) console.log(JSON.stringify(figures));
  return 0;
}

process.exitCode = await main(process.argv.slice(2));
