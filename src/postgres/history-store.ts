import { z } from "zod";
import type { Bar } from "../domain/bar.ts";
import { type Belief, UNKNOWN } from "../domain/belief.ts";
import type { SessionKind } from "../domain/calendar.ts";
import { fingerprintOf } from "../domain/fingerprint.ts";
import type { Interval } from "../domain/interval.ts";
import { FEEDS, PROVIDER_IDS } from "../domain/provider-id.ts";
import { type BarOrigin, noVerdicts, takeBar, type VerdictCounts } from "../domain/take-bar.ts";
import { type EpochMs, toIso } from "../domain/time.ts";
import {
  type HistoryRow,
  lockStatements,
  readStatement,
  writeStatement,
} from "./history-statement.ts";
import { utcDay, yearPartitions } from "./partition-store.ts";
import type { SqlClient, SqlStatement } from "./sql-client.ts";
import { exactInteger, instantMs } from "./sql-values.ts";

/** Bars of one transaction: about 1 MB when bound. */
const MAX_WRITE_BARS = 4_000;
/** A row that moves between read and write is read again; more often than this somebody fights us. */
const MAX_ROUNDS = 5;

const storedRow = z.object({
  symbol: z.string(),
  ts: instantMs,
  open: z.number(),
  high: z.number(),
  low: z.number(),
  close: z.number(),
  volume: z.number(),
  vwap: z.number().nullable(),
  trade_count: exactInteger.nullable(),
  asked_at: instantMs,
  provider: z.enum(PROVIDER_IDS),
  feed: z.enum(FEEDS),
  revision: z.number().int(),
});
const keySchema = z.object({ symbol: z.string(), ts: instantMs });

/** Bars of one group and one answer that are older than the group's beliefs. */
export interface HistoryWrite extends BarOrigin {
  readonly group: number;
  readonly interval: Interval;
  /** Each key (symbol, ts) once. */
  readonly bars: readonly Bar[];
  readonly sessionOf: (ts: EpochMs) => SessionKind;
  /** Market time. */
  readonly nowMs: EpochMs;
}

/**
 * The history lane: stores bars straight in Postgres, held against the stored rows as a group holds them
 * against its beliefs. One transaction for a part locks the group's cursor, so that flushes and history have
 * an order; a row that moved since it was read is read again. The same bars twice change nothing. Rejects as
 * `classifySqlError` says.
 */
export async function storeHistory(sql: SqlClient, write: HistoryWrite): Promise<VerdictCounts> {
  const verdicts = noVerdicts();
  for (let at = 0; at < write.bars.length; at += MAX_WRITE_BARS) {
    let bars = write.bars.slice(at, at + MAX_WRITE_BARS);
    for (let round = 0; bars.length > 0; round += 1) {
      if (round === MAX_ROUNDS)
        throw new Error("rows of history keep moving while they are written");
      bars = await storePart(sql, write, bars, verdicts);
    }
  }
  return verdicts;
}

/** Stores what the bars change; answers the bars whose rows moved meanwhile. */
async function storePart(
  sql: SqlClient,
  write: HistoryWrite,
  bars: readonly Bar[],
  verdicts: VerdictCounts,
): Promise<Bar[]> {
  const beliefs = await readBeliefs(sql, write.interval, bars);
  const rows: HistoryRow[] = [];
  const barOf = new Map<string, Bar>();
  const verdictOf = new Map<string, keyof VerdictCounts>();
  for (const bar of bars) {
    const key = keyOf(bar);
    const { verdict, revision } = takeBar(beliefs.get(key) ?? UNKNOWN, bar, write);
    if (revision === null) {
      verdicts[verdict] += 1;
      continue;
    }
    barOf.set(key, bar);
    verdictOf.set(key, verdict);
    const session = write.sessionOf(bar.ts);
    const status = revision === 0 ? "backfilled" : "updated";
    rows.push({ ...bar, ts: toIso(bar.ts), revision, session, status });
  }
  if (rows.length === 0) return [];
  for (const key of await writeRows(sql, write, rows)) {
    barOf.delete(key);
    const verdict = verdictOf.get(key);
    if (verdict !== undefined) verdicts[verdict] += 1;
  }
  return [...barOf.values()];
}

async function readBeliefs(
  sql: SqlClient,
  interval: Interval,
  bars: readonly Bar[],
): Promise<Map<string, Belief>> {
  const symbols = bars.map((bar) => bar.symbol);
  const starts = bars.map((bar) => toIso(bar.ts));
  const { rows } = await sql.query(readStatement(interval, symbols, starts));
  return new Map(
    rows.map((row) => {
      const { asked_at: askedAt, trade_count: tradeCount, ...bar } = storedRow.parse(row);
      const { provider, feed, revision } = bar;
      const belief: Belief = {
        state: "bar",
        source: { provider, feed },
        revision,
        askedAt,
        fingerprint: fingerprintOf({ ...bar, tradeCount }),
      };
      return [keyOf(bar), belief] as const;
    }),
  );
}

async function writeRows(
  sql: SqlClient,
  write: HistoryWrite,
  rows: readonly HistoryRow[],
): Promise<string[]> {
  const { interval, group, source, nowMs } = write;
  const origin = { ...source, askedAt: toIso(write.askedAt) };
  const results = await sql.transaction([
    ...lockStatements(group),
    partitionStatement(interval, rows),
    writeStatement(interval, group, origin, toIso(nowMs), rows),
  ]);
  const written = results.at(-1)?.rows ?? [];
  return written.map((row) => keyOf(keySchema.parse(row)));
}

function partitionStatement(interval: Interval, rows: readonly HistoryRow[]): SqlStatement {
  const starts = rows.map((row) => Date.parse(row.ts));
  if (interval === "1d") return yearPartitions(starts);
  return {
    text: "select ensure_day_partitions(day, day) from unnest($1::date[]) day",
    params: [[...new Set(starts.map(utcDay))]],
  };
}

function keyOf({ symbol, ts }: { readonly symbol: string; readonly ts: EpochMs }): string {
  return `${symbol} ${ts}`;
}
