import { z } from "zod";
import type { Interval } from "../domain/interval.ts";
import { toIso, type EpochMs } from "../domain/time.ts";
import { MAX_READ_ROWS, MAX_READ_SYMBOLS } from "./bars-store.ts";
import { BELIEF_COLUMNS } from "./belief-sql.ts";
import type { SqlClient } from "./sql-client.ts";
import { exactInteger } from "./sql-values.ts";
import { type StoredBar, storedBarRow } from "./stored-bar.ts";

/** Knowledge time is kept to the microsecond where somebody set it by hand, and the order has to hold there too. */
const US_PER_MS = 1_000;

/**
 * Up to so many symbols are looked for one by one: the planner weighs each against every day, so that a thousand
 * of them over a year take it seconds. More are tried against a hash of them, in the order of knowledge time.
 */
const FEW_SYMBOLS = 50;

/** The place of a belief in the order of a diff; `asOfUs` in microseconds since the epoch. */
export interface DiffPlace {
  readonly asOfUs: number;
  readonly symbol: string;
  readonly ts: EpochMs;
}

/** A page of what became known in `(afterMs, untilMs]` about some symbols' bars. */
export interface DiffQuery {
  readonly symbols: readonly string[];
  readonly interval: Interval;
  readonly afterMs: EpochMs;
  readonly untilMs: EpochMs;
  /** Bar starts in `[startMs, endMs)`; null: without that bound. Bounds spare looking into every day. */
  readonly startMs: EpochMs | null;
  readonly endMs: EpochMs | null;
  /** Rows of a page, 1 to `MAX_READ_ROWS`. */
  readonly limit: number;
  /** The last row of the page before. */
  readonly after?: DiffPlace;
  /** Whether to read what was believed before, too. */
  readonly withBefore: boolean;
}

/** A belief of a diff; `before` is the one that it replaced, null when there was none or it was not asked for. */
export interface BarChange {
  readonly bar: StoredBar;
  readonly before: StoredBar | null;
  readonly place: DiffPlace;
}

/** What differs between the tables of an interval. */
interface BeliefSide {
  readonly from: string;
  readonly ts: string;
  readonly session: string;
  /** The key's time, and an instant in its type; rounded up, an exclusive bound of dates is that of instants. */
  readonly key: string;
  readonly toKey: (instant: string) => string;
}

const instantKey = (instant: string): string => `${instant}::timestamptz`;
const dateKey = (instant: string): string =>
  `((${instant}::timestamptz at time zone 'UTC') + interval '1 day - 1 microsecond')::date`;

const CURRENT: Readonly<Record<Interval, BeliefSide>> = {
  "1m": {
    from: "candles_intraday c where c.interval = '1m'",
    ts: "c.ts",
    session: "c.session",
    key: "c.ts",
    toKey: instantKey,
  },
  "1d": {
    from: "candles_daily c where true",
    ts: "c.trading_date::timestamp at time zone 'UTC' as ts",
    session: "'regular' as session",
    key: "c.trading_date",
    toKey: dateKey,
  },
};
const replaced = (interval: Interval): BeliefSide => ({
  from: `candles_revisions c where c.interval = '${interval}'`,
  ts: "c.ts",
  session: "c.session",
  key: "c.ts",
  toKey: instantKey,
});

/** One side of the union: a page of it in order, so that the union reads two pages and not two tables. */
const sideSql = ({ from, ts, session, key, toKey }: BeliefSide, isOne: string): string => `
    (select c.symbol, ${ts}, ${BELIEF_COLUMNS}, ${session}, c.status, c.revision from ${from}
      and c.as_of >= $1::timestamptz and c.as_of <= $2::timestamptz
      and (c.as_of > $1::timestamptz or (c.symbol, ${key}) > ($3::text, ${toKey("$4")}))
      and ${key} >= ${toKey("$5")} and ${key} < ${toKey("$6")} and ${isOne}
      order by c.as_of, c.symbol, ${key} limit $8::integer)`;

/**
 * Every belief stands in exactly one of the two tables: a later one moves it to the revisions. A replaced belief
 * and its successor have the same start, so the look for the one before opens one partition.
 */
const diffSql = (interval: Interval, isOne: string): string => `
select belief.*, (extract(epoch from belief.as_of) * 1000000)::bigint as as_of_us, before.*
from (
  select * from (${sideSql(CURRENT[interval], isOne)}
    union all${sideSql(replaced(interval), isOne)}
  ) sides
  order by as_of, symbol, ts limit $8::integer
) belief
left join lateral (
  select to_jsonb(b) as before from (
    select p.* from candles_revisions p
    where p.symbol = belief.symbol and p.interval = '${interval}' and p.ts = belief.ts
      and p.as_of < belief.as_of
    order by p.as_of desc limit 1
  ) b
) before on $9::boolean
order by belief.as_of, belief.symbol, belief.ts`;
/** `is not false` keeps the planner from a join, which would lose the order. */
const IS_ONE = {
  few: "c.symbol = any($7::text[])",
  many: "(c.symbol in (select unnest($7::text[]))) is not false",
};
const DIFF_SQL: Readonly<Record<Interval, Readonly<Record<keyof typeof IS_ONE, string>>>> = {
  "1m": { few: diffSql("1m", IS_ONE.few), many: diffSql("1m", IS_ONE.many) },
  "1d": { few: diffSql("1d", IS_ONE.few), many: diffSql("1d", IS_ONE.many) },
};

const placeRow = z.object({ as_of_us: exactInteger });
/** As JSON the database writes instants as text. */
const instantText = z.string().transform((text) => new Date(text));
const beforeRow = z.object({
  before: z
    .looseObject({ ts: instantText, as_of: instantText, asked_at: instantText })
    .nullable()
    .transform((row) => (row === null ? null : storedBarRow.parse(row))),
});

/**
 * What became known in a span of knowledge time, in its order: by `as_of`, then symbol (byte order), then start.
 * Fewer rows than `limit` means that there is nothing more. Throws a RangeError outside the bounds.
 */
export async function readDiff(sql: SqlClient, query: DiffQuery): Promise<BarChange[]> {
  const { symbols, afterMs, untilMs, after } = query;
  if (symbols.length > MAX_READ_SYMBOLS) throw new RangeError("too many symbols");
  if (!(query.limit >= 1 && query.limit <= MAX_READ_ROWS)) throw new RangeError("bad page size");
  if (symbols.length === 0 || afterMs >= untilMs) return [];
  const { rows } = await sql.query({
    text: DIFF_SQL[query.interval][symbols.length > FEW_SYMBOLS ? "many" : "few"],
    params: [
      after === undefined ? toIso(afterMs) : microsIso(after.asOfUs),
      toIso(untilMs),
      // Compared with null nothing is greater: of the first page all is later than `afterMs`.
      after?.symbol ?? null,
      after === undefined ? null : toIso(after.ts),
      toIso(query.startMs ?? 0),
      // A bar is known after its start, so days to come need not be looked into.
      toIso(Math.min(query.endMs ?? Infinity, untilMs)),
      [...new Set(symbols)],
      query.limit,
      query.withBefore,
    ],
  });
  return rows.map((row) => {
    const bar = storedBarRow.parse(row);
    const place = { asOfUs: placeRow.parse(row).as_of_us, symbol: bar.symbol, ts: bar.ts };
    return { bar, before: beforeRow.parse(row).before, place };
  });
}

function microsIso(us: number): string {
  const ms = Math.floor(us / US_PER_MS);
  return toIso(ms).replace("Z", `${String(us - ms * US_PER_MS).padStart(3, "0")}Z`);
}
