import { join } from "node:path";
import { z } from "zod";
import { createCalendar } from "../../src/domain/calendar.ts";
import { DAY_MS, MINUTE_MS } from "../../src/domain/time.ts";
import { drainFlushes } from "../../src/postgres/flush-store.ts";
import { utcDay } from "../../src/postgres/partition-store.ts";
import { createSyntheticMarket } from "../market/synthetic-market.ts";
import type { BenchDatabase } from "./bench-database.ts";
import { compressedSize } from "./compressed-size.ts";
import { type BenchOptions, type Figures, percentile, rounded, timesOf } from "./figures.ts";
import { flushOf } from "./market-flushes.ts";

/** Members of a group; a market of 8,000 symbols is 32 groups. */
const MEMBERS = 250;
const SIZES = {
  full: { groups: 32, minutes: 390, drainGroups: 3, compressedSymbols: 500 },
  quick: { groups: 8, minutes: 30, drainGroups: 1, compressedSymbols: 20 },
} as const;
/** A drain of 1,000 rows: four minutes of a group in one flush. */
const DRAIN_MINUTES = 4;
/** As many as there are in a session. */
const DRAINS_A_GROUP = 97;
const WARM_UPS = 5;
const TABLE = "candles_intraday";
const COPY_TABLE = "bench_copy";

const SESSION = createCalendar().previousSession(Date.UTC(2026, 2, 19, 22));

const sizeSchema = z.object({
  rows: z.coerce.number(),
  heap: z.coerce.number(),
  indexes: z.coerce.number(),
});

/**
 * A session of the market through the real drain, as groups bring it: each minute one flush a group, all groups at
 * once; then the same rows by COPY from a file of the server into a table of the same definition. What is timed of
 * the drain is from the call of `drainFlushes` to its answer, driver, HTTP and endpoint included.
 */
export async function benchWrite(
  database: BenchDatabase,
  { quick, say }: BenchOptions,
): Promise<Figures> {
  const { groups, minutes, drainGroups, compressedSymbols } = quick ? SIZES.quick : SIZES.full;
  const drainMs = await drainSession(database, groups, minutes);
  const rows = groups * MEMBERS * minutes;
  const partition = `${TABLE}_${utcDay(SESSION.openMs).replaceAll("-", "")}`;
  say(`write: ${rows} bars drained, ${await bytesPerBar(database, partition)}`);
  const copyMs = await copyRows(database, partition);
  say(`write: the same rows by COPY, ${await bytesPerBar(database, `${COPY_TABLE}_1`)}`);
  const compressed = await compressedSize(
    createSyntheticMarket({ seed: 1, symbols: compressedSymbols }),
    SESSION,
  );
  const [before, after] = [rounded(compressed.before), rounded(compressed.after)];
  say(`write: profile timescale: ${before} bytes a bar, ${after} compressed`);
  const first = await drainTimes(database, drainGroups, 0);
  const again = await drainTimes(database, drainGroups, 1);
  const spread = (times: readonly number[]) =>
    [0.5, 0.95, 0.99].map((share) => rounded(percentile(times, share))).join(" / ");
  say(`write: 1,000-row drain p50 / p95 / p99 ms: ${spread(first)}; revising: ${spread(again)}`);
  return {
    rows_per_s: Math.round((rows / drainMs) * 1_000),
    copy_rows_per_s: Math.round((rows / copyMs) * 1_000),
    ratio: Math.round((copyMs / drainMs) * 1_000) / 1_000,
    p95_ms_1000: rounded(percentile(first, 0.95)),
  };
}

/** Answers how long the drains took, ms: each minute is over when its last group is. */
async function drainSession(
  { sql, run }: BenchDatabase,
  groups: number,
  minutes: number,
): Promise<number> {
  await run("checkpoint");
  let drainMs = 0;
  for (let minute = 0; minute < minutes; minute += 1) {
    const fromMs = SESSION.openMs + minute * MINUTE_MS;
    const flushes = Array.from({ length: groups }, (_, group) =>
      flushOf({ group, members: MEMBERS, fs: minute + 1, fromMs, minutes: 1, revision: 0 }),
    );
    const startMs = performance.now();
    await Promise.all(flushes.map((flush) => drainFlushes(sql, [flush])));
    drainMs += performance.now() - startMs;
  }
  return drainMs;
}

/** The rows of a partition, in the order in which they were written, into an empty table of the same definition. */
async function copyRows({ run, dir }: BenchDatabase, partition: string): Promise<number> {
  const file = join(dir, "session.copy");
  await run(`copy ${partition} to '${file}'`);
  await run(`create table ${COPY_TABLE} (like ${TABLE} including all) partition by range (ts)`);
  await run(
    `create table ${COPY_TABLE}_1 partition of ${COPY_TABLE} for values from (minvalue) to (maxvalue)`,
  );
  await run("checkpoint");
  const startMs = performance.now();
  await run(`copy ${COPY_TABLE} from '${file}'`);
  return performance.now() - startMs;
}

/** How long each drain of 1,000 rows takes, one after the other, into a session of their own. */
async function drainTimes(
  { sql, run }: BenchDatabase,
  groups: number,
  revision: number,
): Promise<number[]> {
  await run("checkpoint");
  const { openMs } = createCalendar().nextSession(SESSION.closeMs);
  const flushes = Array.from({ length: groups * DRAINS_A_GROUP }, (_, index) => {
    // Groups that the session has not; their numbers go on in the second round.
    const group = SIZES.full.groups + Math.floor(index / DRAINS_A_GROUP);
    const place = index % DRAINS_A_GROUP;
    const fromMs = openMs + place * DRAIN_MINUTES * MINUTE_MS;
    const fs = revision * DRAINS_A_GROUP + place + 1;
    const shape = { group, members: MEMBERS, minutes: DRAIN_MINUTES, fs, fromMs, revision };
    return { ...flushOf(shape), as_of: openMs + DAY_MS + fs };
  });
  const times = flushes.length - WARM_UPS;
  return await timesOf(
    times,
    async (index) => {
      const flush = flushes[index];
      if (flush !== undefined) await drainFlushes(sql, [flush]);
    },
    WARM_UPS,
  );
}

async function bytesPerBar({ run }: BenchDatabase, table: string): Promise<string> {
  const [found] = await run(
    `select count(*) as rows, pg_relation_size('${table}') as heap, pg_indexes_size('${table}') as indexes
    from ${table}`,
  );
  const { rows, heap, indexes } = sizeSchema.parse(found);
  const per = (bytes: number) => rounded(bytes / rows);
  return `${per(heap + indexes)} bytes a bar: ${per(heap)} heap, ${per(indexes)} index`;
}
