import { z } from "zod";
import type { Calendar, TradingSession } from "../../src/domain/calendar.ts";
import { CLOSING_WINDOW_MS } from "../../src/domain/calendar.ts";
import type { EpochMs } from "../../src/domain/time.ts";
import { MINUTE_MS } from "../../src/domain/time.ts";
import type { Database } from "../database/database.ts";
import type { Market, MarketBar, Publication } from "../market/market.ts";
import type { PublicationSchedule } from "../market/publication.ts";
import { versionsOf } from "../market/truth.ts";

/** What Postgres holds, held against what the sandbox knows. */
export interface Reconciliation {
  readonly expected_minutes: number;
  readonly bars_expected: number;
  readonly in_postgres: number;
  /** Rows of quotes: how many there should be is a matter of sampling, so they are only counted. */
  readonly quotes_in_postgres: number;
  readonly no_trade: number;
  readonly pending: number;
  readonly missing: number;
  readonly duplicate: number;
  readonly wrong: number;
  readonly revisions: number;
  readonly revisions_expected: number;
  /** Revisions before the settle pass: each must be a later version of the same provider's bar. */
  readonly revisions_before_settle: number;
  /** The first few faults in words. */
  readonly faults: readonly string[];
  /** Every belief that a flush carried: `symbol ts revision`. */
  readonly beliefs: ReadonlySet<string>;
}

const rowSchema = z.object({
  symbol: z.string(),
  ts: z.coerce.number(),
  open: z.number(),
  high: z.number(),
  low: z.number(),
  close: z.number(),
  volume: z.number(),
  vwap: z.number().nullable(),
  trade_count: z.coerce.number().nullable(),
  provider: z.enum(["alpaca", "polygon"]),
  feed: z.enum(["sip"]),
  revision: z.number(),
  as_of: z.coerce.number(),
});
type Row = z.infer<typeof rowSchema>;

const COLUMNS = `symbol, (extract(epoch from ts) * 1000)::bigint::text as ts, open, high, low, close, volume, vwap,
  trade_count::text, provider, feed, revision, (extract(epoch from as_of) * 1000)::bigint::text as as_of`;
/** From here on, after the close, the first provider of the policy may replace another's bars. */
const SETTLE_AFTER_CLOSE_MS = 20 * MINUTE_MS;
const MAX_FAULTS = 20;

export interface ReconcileInput {
  readonly database: Database;
  readonly market: Market;
  readonly publication: PublicationSchedule;
  readonly calendar: Calendar;
  readonly session: TradingSession;
}

/** Reconciles one trading session: every expected bar once, with the right values and history, nothing else. */
export async function reconcile(input: ReconcileInput): Promise<Reconciliation> {
  const current = await readRows(input.database, "candles_intraday");
  const replaced = await readRows(input.database, "candles_revisions");
  const watermarks = await readWatermarks(input.database);
  const served = await readServed(input.database);
  const tally = new Tally();
  const byKey = new Map<string, Row>();
  for (const row of current) {
    const key = `${row.symbol} ${row.ts}`;
    if (byKey.has(key)) tally.duplicate += 1;
    byKey.set(key, row);
  }
  const history = Map.groupBy(replaced, (row) => `${row.symbol} ${row.ts}`);
  const endMs = input.session.closeMs + CLOSING_WINDOW_MS;
  for (const { symbol } of input.market.symbols) {
    if (!served.has(symbol)) continue;
    const watermarkMs = watermarks.get(symbol) ?? 0;
    for (let ts = input.session.openMs; ts < endMs; ts += MINUTE_MS) {
      const key = `${symbol} ${ts}`;
      const row = byKey.get(key);
      byKey.delete(key);
      const before = (history.get(key) ?? []).toSorted((a, b) => a.revision - b.revision);
      holdMinute(
        { symbol, ts, row, before, watermarkMs, expected: input.calendar.isExpectedMinute(ts) },
        input,
        tally,
      );
    }
  }
  for (const key of byKey.keys()) tally.fault(`${key} is stored and should not be`);
  const beliefs = new Set(
    [...current, ...replaced].map((row) => `${row.symbol} ${row.ts} ${row.revision}`),
  );
  return {
    ...tally.totals(),
    in_postgres: current.length,
    quotes_in_postgres: await countQuotes(input.database),
    revisions: replaced.length,
    beliefs,
  };
}

interface Minute {
  readonly symbol: string;
  readonly ts: EpochMs;
  readonly row: Row | undefined;
  readonly before: readonly Row[];
  readonly watermarkMs: EpochMs;
  readonly expected: boolean;
}

function holdMinute(minute: Minute, input: ReconcileInput, tally: Tally): void {
  const { symbol, ts, row } = minute;
  if (minute.expected) tally.expectedMinutes += 1;
  const versions = versionsOf(input.publication, row?.provider ?? "alpaca", "sip", symbol, ts);
  if (versions.length === 0) {
    if (row !== undefined) tally.fault(`${symbol} ${ts} did not trade and is stored`);
    else if (minute.expected && ts < minute.watermarkMs) tally.noTrade += 1;
    else if (minute.expected) tally.pending += 1;
    return;
  }
  tally.barsExpected += 1;
  if (row === undefined) {
    tally.revisionsExpected += versions.length - 1;
    tally.missing += 1;
    tally.note(`${symbol} ${ts} is missing`);
    return;
  }
  const beliefs = [...minute.before, row];
  const oneProvider = beliefs.every(({ provider }) => provider === row.provider);
  // Where providers took turns, each replaced value counts, as long as it is a version of its provider's.
  tally.revisionsExpected += oneProvider ? versions.length - 1 : minute.before.length;
  const last = versions.at(-1);
  if (last !== undefined && !sameBar(row, last))
    tally.fault(`${symbol} ${ts} is not the last version`);
  if (row.revision !== minute.before.length)
    tally.fault(`${symbol} ${ts} has revision ${row.revision} after ${minute.before.length}`);
  for (const [index, belief] of minute.before.entries()) {
    const own = versionsOf(input.publication, belief.provider, "sip", symbol, ts);
    const known = oneProvider ? own.slice(index, index + 1) : own;
    if (!known.some((version) => sameBar(belief, version)))
      tally.fault(`${symbol} ${ts} revision ${index} is no version of ${belief.provider}'s`);
  }
  for (const [index, replaced] of minute.before.entries()) {
    const by = beliefs[index + 1];
    if (by !== undefined) holdRevision(symbol, ts, { replaced, by }, input, tally);
  }
}

/** Before the settle pass a bar is replaced only by a later version of what its own provider serves. */
function holdRevision(
  symbol: string,
  ts: EpochMs,
  { replaced, by }: { readonly replaced: Row; readonly by: Row },
  { publication, session }: ReconcileInput,
  tally: Tally,
): void {
  if (by.as_of >= session.closeMs + SETTLE_AFTER_CLOSE_MS) return;
  tally.revisionsBeforeSettle += 1;
  const versions = versionsOf(publication, replaced.provider, "sip", symbol, ts);
  const place = (row: Row) => versions.findIndex((version) => sameBar(row, version));
  if (by.provider !== replaced.provider || place(by) <= place(replaced))
    tally.fault(
      `${symbol} ${ts} of ${replaced.provider} was revised by ${by.provider} to no later version`,
    );
}

function sameBar(row: Row, { bar }: Publication): boolean {
  return (
    row.open === bar.o &&
    row.high === bar.h &&
    row.low === bar.l &&
    row.close === bar.c &&
    row.volume === bar.v &&
    row.vwap === orNull(bar, "vw") &&
    row.trade_count === orNull(bar, "n")
  );
}

function orNull(bar: MarketBar, field: "vw" | "n"): number | null {
  return bar[field] ?? null;
}

class Tally {
  expectedMinutes = 0;
  barsExpected = 0;
  noTrade = 0;
  pending = 0;
  missing = 0;
  duplicate = 0;
  revisionsExpected = 0;
  revisionsBeforeSettle = 0;
  #wrong = 0;
  #faults: string[] = [];

  fault(text: string): void {
    this.#wrong += 1;
    this.note(text);
  }

  note(text: string): void {
    if (this.#faults.length < MAX_FAULTS) this.#faults.push(text);
  }

  totals() {
    return {
      expected_minutes: this.expectedMinutes,
      bars_expected: this.barsExpected,
      no_trade: this.noTrade,
      pending: this.pending,
      missing: this.missing,
      duplicate: this.duplicate,
      wrong: this.#wrong,
      revisions_expected: this.revisionsExpected,
      revisions_before_settle: this.revisionsBeforeSettle,
      faults: this.#faults,
    };
  }
}

async function readRows(
  database: Database,
  table: "candles_intraday" | "candles_revisions",
): Promise<Row[]> {
  const rows = await database.query(`select ${COLUMNS} from ${table} where interval = '1m'`);
  return rows.map((row) => rowSchema.parse(row));
}

/** Symbols that are owed minutes; of the others none is stored. */
async function readServed(database: Database): Promise<Set<string>> {
  const rows = await database.query(
    "select symbol from symbol_universe where active and tier <> 'T2'",
  );
  return new Set(rows.map((row) => z.object({ symbol: z.string() }).parse(row).symbol));
}

async function countQuotes(database: Database): Promise<number> {
  const [row] = await database.query("select count(*)::integer as count from quotes_l1");
  return z.object({ count: z.number() }).parse(row).count;
}

/** The common watermark of each symbol's group: a minute below it without a bar is no_trade. */
async function readWatermarks(database: Database): Promise<Map<string, EpochMs>> {
  const rows = await database.query(
    `select u.symbol, (extract(epoch from c.watermark_1m) * 1000)::bigint::text as watermark
     from symbol_universe u join group_cursor c on c."group" = u."group" and c.class = 'bars'`,
  );
  const schema = z.object({ symbol: z.string(), watermark: z.coerce.number() });
  return new Map(rows.map((row) => schema.parse(row)).map((row) => [row.symbol, row.watermark]));
}
