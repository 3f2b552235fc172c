import type { Interval } from "../domain/interval.ts";
import type { SqlStatement } from "./sql-client.ts";

/** A bar as the history lane stores it: the values, and the belief that it is to become. */
export interface HistoryRow {
  readonly symbol: string;
  /** ISO; of a daily bar 00:00 UTC of its trading date. */
  readonly ts: string;
  readonly open: number;
  readonly high: number;
  readonly low: number;
  readonly close: number;
  readonly volume: number;
  readonly vwap: number | null;
  readonly tradeCount: number | null;
  readonly revision: number;
  readonly session: string;
  readonly status: string;
}

/** What an interval's table calls its key, and what stands in it beside the values. */
interface TableShape {
  readonly table: string;
  readonly key: string;
  readonly keyValues: string;
  /** The key's time as a timestamptz. */
  readonly ts: string;
  /** The key's time from the bound text `b.ts`. */
  readonly toKey: string;
  readonly where: string;
  readonly extra: string;
  readonly extraValues: string;
}

const SHAPES: Readonly<Record<Interval, TableShape>> = {
  "1m": {
    table: "candles_intraday",
    key: "symbol, interval, ts",
    keyValues: "b.symbol, '1m', b.ts::timestamptz",
    ts: "c.ts",
    toKey: "b.ts::timestamptz",
    where: "c.interval = '1m' and c.ts",
    extra: ", session",
    extraValues: ", b.session",
  },
  "1d": {
    table: "candles_daily",
    key: "symbol, trading_date",
    keyValues: "b.symbol, (b.ts::timestamptz at time zone 'UTC')::date",
    ts: "c.trading_date::timestamp at time zone 'UTC'",
    toKey: "(b.ts::timestamptz at time zone 'UTC')::date",
    where: "c.trading_date",
    extra: "",
    extraValues: "",
  },
};

/** Reads what is believed of some keys, `symbols` and `starts` (ISO) side by side. */
export function readStatement(
  interval: Interval,
  symbols: readonly string[],
  starts: readonly string[],
): SqlStatement {
  const { table, ts, toKey, where } = SHAPES[interval];
  return {
    text: `
select c.symbol, ${ts} as ts, c.open, c.high, c.low, c.close, c.volume, c.vwap, c.trade_count,
  c.asked_at, c.provider, c.feed, c.revision
from unnest($1::text[], $2::text[]) as b (symbol, ts)
join ${table} c on c.symbol = b.symbol and ${where} = ${toKey}`,
    params: [symbols, starts],
  };
}

/**
 * Locks the group's bars row, without which there would be no order between the two lanes; makes it when
 * nothing was drained yet (its epoch is before every real one).
 */
export function lockStatements(group: number): SqlStatement[] {
  return [
    {
      text: `insert into group_cursor ("group", class, epoch, fs, as_of)
        values ($1::integer, 'bars', '0', 0, timestamptz 'epoch') on conflict do nothing`,
      params: [group],
    },
    {
      text: `select from group_cursor where "group" = $1::integer and class = 'bars' for update`,
      params: [group],
    },
  ];
}

/**
 * Writes rows under the lock, each only over the revision before its own (none, for the first); answers the
 * keys that were written. A trigger keeps the replaced rows. Knowledge time is above everything that reads
 * of this group were promised to be repeatable at.
 */
export function writeStatement(
  interval: Interval,
  group: number,
  origin: { readonly provider: string; readonly feed: string; readonly askedAt: string },
  nowIso: string,
  rows: readonly HistoryRow[],
): SqlStatement {
  const { table, key, keyValues, ts, extra, extraValues } = SHAPES[interval];
  const column = <K extends keyof HistoryRow>(name: K) => rows.map((row) => row[name]);
  return {
    text: `
insert into ${table} as c (
  ${key}, open, high, low, close, volume, vwap, trade_count,
  as_of, asked_at, provider, feed, status, revision${extra}
)
select ${keyValues}, b.open, b.high, b.low, b.close, b.volume, b.vwap, b.trade_count,
  (select greatest($1::timestamptz, g.as_of) + interval '1 millisecond' from group_cursor g
    where g."group" = $2::integer and g.class = 'bars'),
  $3::timestamptz, $4::text, $5::text, b.status, b.revision${extraValues}
from unnest(
  $6::text[], $7::text[], $8::float8[], $9::float8[], $10::float8[], $11::float8[], $12::float8[],
  $13::float8[], $14::bigint[], $15::integer[], $16::text[], $17::text[]
) as b (
  symbol, ts, open, high, low, close, volume, vwap, trade_count, revision, session, status
)
on conflict (${key}) do update set
  open = excluded.open, high = excluded.high, low = excluded.low, close = excluded.close,
  volume = excluded.volume, vwap = excluded.vwap, trade_count = excluded.trade_count,
  as_of = excluded.as_of, asked_at = excluded.asked_at, provider = excluded.provider,
  feed = excluded.feed, status = excluded.status, revision = excluded.revision
where c.revision = excluded.revision - 1
returning symbol, ${ts} as ts`,
    params: [
      nowIso,
      group,
      origin.askedAt,
      origin.provider,
      origin.feed,
      column("symbol"),
      column("ts"),
      column("open"),
      column("high"),
      column("low"),
      column("close"),
      column("volume"),
      column("vwap"),
      column("tradeCount"),
      column("revision"),
      column("session"),
      column("status"),
    ],
  };
}
