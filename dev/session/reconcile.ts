import type { Calendar, SessionKind, TradingSession } from "../../src/domain/calendar.ts";
import { fetchWindow } from "../../src/domain/poll-plan.ts";
import type { EpochMs } from "../../src/domain/time.ts";
import { MINUTE_MS } from "../../src/domain/time.ts";
import type { Database } from "../database/database.ts";
import type { Market, MarketBar, Publication } from "../market/market.ts";
import type { PublicationSchedule } from "../market/publication.ts";
import { versionsOf } from "../market/truth.ts";
import {
  countQuotes,
  readBars,
  readServed,
  readWatermarks,
  type StoredBar,
} from "./stored-bars.ts";
import { type Counts, sumCounts, Tally } from "./tally.ts";

/** What Postgres holds, held against what the sandbox knows. */
export interface Reconciliation {
  readonly counts: Counts;
  /** The same of each trading date alone, in order. */
  readonly byDate: readonly (readonly [date: string, counts: Counts])[];
  readonly inPostgres: number;
  /** Rows of quotes: how many there should be is a matter of sampling, so they are only counted. */
  readonly quotesInPostgres: number;
  /** Beliefs that were replaced. */
  readonly revisions: number;
  /** The first few faults in words. */
  readonly faults: readonly string[];
  /** Every belief that a flush carried: `symbol ts revision`. */
  readonly beliefs: ReadonlySet<string>;
}

/** From here on, after the close, the first provider of the policy may replace another's bars. */
const SETTLE_AFTER_CLOSE_MS = 20 * MINUTE_MS;
const MAX_FAULTS = 20;

/** What is reconciled: the sessions that were played, and the parts of the day that are stored. */
export interface ReconcileInput {
  readonly database: Database;
  readonly market: Market;
  readonly publication: PublicationSchedule;
  readonly calendar: Calendar;
  readonly sessions: readonly TradingSession[];
  /** Sessions that were over when the run began: of their bars only the last version was ever served. */
  readonly before: readonly TradingSession[];
  readonly kinds: readonly SessionKind[];
}

/** What is stored of all sessions, by `symbol ts`. What was held against the truth is taken out. */
interface Stored {
  readonly current: Map<string, StoredBar>;
  readonly history: ReadonlyMap<string, readonly StoredBar[]>;
  readonly watermarks: ReadonlyMap<string, EpochMs>;
  readonly served: ReadonlySet<string>;
}

/** Reconciles the sessions: every expected bar once, with the right values and history, nothing else. */
export async function reconcile(input: ReconcileInput): Promise<Reconciliation> {
  const { database } = input;
  const current = await readBars(database, "candles_intraday");
  const replaced = await readBars(database, "candles_revisions");
  const rest = new Tally();
  const stored: Stored = {
    current: new Map(),
    history: Map.groupBy(replaced, keyOf),
    watermarks: await readWatermarks(database),
    served: await readServed(database),
  };
  for (const row of current) {
    if (stored.current.has(keyOf(row))) rest.duplicate += 1;
    stored.current.set(keyOf(row), row);
  }
  const sessions = [...input.before, ...input.sessions];
  const tallies = sessions.map((session) => {
    const tally = new Tally();
    holdSession(session, stored, input, tally);
    return tally;
  });
  for (const key of stored.current.keys()) rest.fault(`${key} is stored and should not be`);
  return {
    counts: sumCounts([...tallies, rest].map((tally) => tally.counts())),
    byDate: sessions.map(({ date }, at) => [date, (tallies[at] ?? rest).counts()]),
    inPostgres: current.length,
    quotesInPostgres: await countQuotes(database),
    revisions: replaced.length,
    faults: [...tallies, rest].flatMap((tally) => tally.faults).slice(0, MAX_FAULTS),
    beliefs: new Set([...current, ...replaced].map((row) => `${keyOf(row)} ${row.revision}`)),
  };
}

function keyOf({ symbol, ts }: StoredBar): string {
  return `${symbol} ${ts}`;
}

function holdSession(
  session: TradingSession,
  stored: Stored,
  input: ReconcileInput,
  tally: Tally,
): void {
  const { startMs, endMs } = fetchWindow(session, input.kinds);
  for (const { symbol } of input.market.symbols) {
    if (!stored.served.has(symbol)) continue;
    const watermarkMs = stored.watermarks.get(symbol) ?? 0;
    for (let ts = startMs; ts < endMs; ts += MINUTE_MS) {
      const key = `${symbol} ${ts}`;
      const row = stored.current.get(key);
      stored.current.delete(key);
      const history = stored.history.get(key) ?? [];
      const before = history.toSorted((a, b) => a.revision - b.revision);
      const expected = input.calendar.isExpectedMinute(ts);
      holdMinute({ symbol, ts, session, row, before, watermarkMs, expected }, input, tally);
    }
  }
}

/** A minute of a symbol: what is stored of it, and what the watermark says of its absence. */
interface Minute {
  readonly symbol: string;
  readonly ts: EpochMs;
  readonly session: TradingSession;
  readonly row: StoredBar | undefined;
  readonly before: readonly StoredBar[];
  readonly watermarkMs: EpochMs;
  readonly expected: boolean;
}

function holdMinute(minute: Minute, input: ReconcileInput, tally: Tally): void {
  const { symbol, ts, row } = minute;
  if (minute.expected) tally.expectedMinutes += 1;
  const all = versionsOf(input.publication, row?.provider ?? "alpaca", "sip", symbol, ts);
  const isOver = input.before.includes(minute.session);
  const versions = isOver ? all.slice(-1) : all;
  if (versions.length === 0) {
    if (row !== undefined) tally.fault(`${symbol} ${ts} did not trade and is stored`);
    else if (minute.expected && ts < minute.watermarkMs) tally.noTrade += 1;
    else if (minute.expected) tally.pending += 1;
    return;
  }
  tally.barsExpected += 1;
  if (row === undefined) {
    tally.revisionsExpected += isOver ? 0 : versions.length - 1;
    tally.missing += 1;
    tally.note(`${symbol} ${ts} is missing`);
    return;
  }
  tally.store(minute.session, ts);
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
    if (by !== undefined) holdRevision(minute, { replaced, by }, input.publication, tally);
  }
}

/** Before the settle pass a bar is replaced only by a later version of what its own provider serves. */
function holdRevision(
  { symbol, ts, session }: Minute,
  { replaced, by }: { readonly replaced: StoredBar; readonly by: StoredBar },
  publication: PublicationSchedule,
  tally: Tally,
): void {
  if (by.as_of >= session.closeMs + SETTLE_AFTER_CLOSE_MS) return;
  tally.revisionsBeforeSettle += 1;
  const versions = versionsOf(publication, replaced.provider, "sip", symbol, ts);
  const place = (row: StoredBar) => versions.findIndex((version) => sameBar(row, version));
  if (by.provider !== replaced.provider || place(by) <= place(replaced))
    tally.fault(
      `${symbol} ${ts} of ${replaced.provider} was revised by ${by.provider} to no later version`,
    );
}

function sameBar(row: StoredBar, { bar }: Publication): boolean {
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
