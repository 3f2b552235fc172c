import { availableParallelism, loadavg } from "node:os";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { type BenchDatabase, withDatabase } from "./bench/bench-database.ts";
import { benchFanout } from "./bench/fanout-bench.ts";
import type { DirectRuntime } from "./bench/direct-runtime.ts";
import type { BenchOptions, Figures } from "./bench/figures.ts";
import { findPostgres, type OwnPostgres, startOwnPostgres } from "./bench/own-postgres.ts";
import { benchRead } from "./bench/read-bench.ts";
import { benchGaps, benchQueue, startBenchRuntime } from "./bench/runtime-bench.ts";
import { benchTrace } from "./bench/trace-bench.ts";
import { benchWrite } from "./bench/write-bench.ts";
import { endOnSignal } from "./stack/end-on-signal.ts";

const EXIT_USAGE = 2;

/** A benchmark: what it needs, how it is run, and the aims that its figures are held against, in words. */
type Bench = { readonly aim: string } & (
  | {
      readonly needs: "runtime";
      readonly run: (runtime: DirectRuntime, options: BenchOptions) => Promise<Figures>;
    }
  | {
      readonly needs: "postgres";
      readonly run: (database: BenchDatabase, options: BenchOptions) => Promise<Figures>;
    }
);

// The trace comes first: what it measures is a runtime that has never traced.
const BENCHES: ReadonlyMap<string, Bench> = new Map<string, Bench>([
  [
    "trace",
    {
      aim: "off_more_ns < 10 (what `maybeTrace` adds to a call while tracing is off)",
      needs: "runtime",
      run: benchTrace,
    },
  ],
  [
    "queue",
    {
      aim: "jobs_per_s >= 2000 (enqueue -> lease -> finish, a hole a job, an instant provider)",
      needs: "runtime",
      run: benchQueue,
    },
  ],
  [
    "gaps",
    {
      aim: "us_per_symbol < 10 (8,000 symbols, one session, 2 % missing)",
      needs: "runtime",
      run: benchGaps,
    },
  ],
  [
    "write",
    {
      aim: "p95_ms_1000 <= 25, at most 50; the ratio says how near the drain comes to a COPY",
      needs: "postgres",
      run: benchWrite,
    },
  ],
  ["read", { aim: "p99_ms as told of each route", needs: "postgres", run: benchRead }],
  [
    "fanout",
    {
      aim: "ratio >= 0.9, bytes_per_bar_deflated <= 25, publish_p99_ms < 150 (aim 100), star_publish_p99_ms < 1500 (94 bars a group to 1,000 connections; quick: 100)",
      needs: "runtime",
      run: benchFanout,
    },
  ],
]);

const MISSING =
  "PostgreSQL 15 or newer is missing: no initdb in /usr/lib/postgresql/*/bin or on the path (Debian: apt-get install postgresql-15)";

/** What is started when the first benchmark needs it, and stopped at the end. */
class World {
  #root = dirname(dirname(fileURLToPath(import.meta.url)));
  #runtime: DirectRuntime | null = null;
  #postgres: OwnPostgres | null = null;

  async runtime(): Promise<DirectRuntime> {
    this.#runtime ??= await startBenchRuntime(this.#root);
    return this.#runtime;
  }

  /** Null: the machine has none. */
  async postgres(): Promise<OwnPostgres | null> {
    const binDir = findPostgres();
    if (binDir === null) return null;
    if (this.#postgres === null) {
      this.#postgres = await startOwnPostgres(binDir);
      console.log(`postgres: ${binDir}; ${this.#postgres.settings}; all else as it comes`);
    }
    return this.#postgres;
  }

  async stop(): Promise<void> {
    await this.#runtime?.stop();
    await this.#postgres?.stop();
  }
}

/** Runs one benchmark; null when the machine lacks what it needs. */
async function runBench(
  name: string,
  bench: Bench,
  world: World,
  quick: boolean,
): Promise<Figures | null> {
  const say = (line: string) => console.log(line);
  if (bench.needs === "runtime") return await bench.run(await world.runtime(), { quick, say });
  const server = await world.postgres();
  if (server === null) return null;
  return await withDatabase(server, `bench_${name}`, (database) =>
    bench.run(database, { quick, say }),
  );
}

/**
 * `npm run bench -- [NAME ...] [--json] [--quick]`: all benchmarks, or some; with --json the last line is JSON.
 * --quick is a small version of those that take minutes. What the machine can't run is told and left out;
 * when nothing else was asked for, that is a failure.
 */
async function main(argv: readonly string[]): Promise<number> {
  const flags = new Set(argv.filter((argument) => argument.startsWith("--")));
  const asked = argv.filter((argument) => !argument.startsWith("--"));
  const unknown = [
    ...asked.filter((name) => !BENCHES.has(name)),
    ...[...flags].filter((flag) => flag !== "--json" && flag !== "--quick"),
  ];
  if (unknown.length > 0) {
    console.error(`unknown: ${unknown.join(", ")}`);
    const names = [...BENCHES.keys()].join(" ");
    console.error(`usage: npm run bench -- [${names}] [--json] [--quick]`);
    return EXIT_USAGE;
  }
  // Figures from a busy machine say little.
  console.log(`load ${loadavg()[0]?.toFixed(1)} on ${availableParallelism()} cores`);
  const world = new World();
  endOnSignal(() => world.stop());
  const all: Record<string, Figures> = {};
  try {
    for (const [name, bench] of BENCHES) {
      if (asked.length > 0 && !asked.includes(name)) continue;
      const figures = await runBench(name, bench, world, flags.has("--quick"));
      if (figures === null) {
        console.error(`${name}: ${MISSING}`);
        continue;
      }
      all[name] = figures;
      const parts = Object.entries(figures).map(
        ([key, value]) => `${key} ${JSON.stringify(value)}`,
      );
      console.log(`${name}: ${parts.join(", ")}; aim: ${bench.aim}`);
    }
  } finally {
    await world.stop();
  }
  if (flags.has("--json")) console.log(JSON.stringify(all));
  return Object.keys(all).length === 0 ? 1 : 0;
}

process.exitCode = await main(process.argv.slice(2));
