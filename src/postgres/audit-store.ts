import { z } from "zod";
import type { AuditWindow } from "../contracts/audit.ts";
import { MAX_AUDIT_SYMBOLS } from "../contracts/audit.ts";
import type { SymbolRange } from "../contracts/backfill.ts";
import type { AuditBar } from "../domain/audit.ts";
import { fingerprintOf } from "../domain/fingerprint.ts";
import { toIso } from "../domain/time.ts";
import type { SqlClient } from "./sql-client.ts";

const auditRow = z.object({
  symbol: z.string(),
  ts_ms: z.number(),
  open: z.number(),
  high: z.number(),
  low: z.number(),
  close: z.number(),
  volume: z.number(),
  vwap: z.number().nullable(),
  trade_count: z.number().nullable(),
  revision: z.number().int(),
});

const holeRow = z
  .object({ symbol: z.string(), from_ms: z.number(), to_ms: z.number() })
  .transform(({ symbol, from_ms: startMs, to_ms: endMs }) => ({ symbol, startMs, endMs }));

/** A bar as it is believed now in Postgres, for a comparison. */
export interface StoredAuditBar extends AuditBar {
  readonly symbol: string;
}

/** What is believed now, not what was: a deleted bar is gone here, while reads as of any time still have it. */
const BARS_SQL = `
select symbol, (extract(epoch from ts) * 1000)::float8 as ts_ms, open, high, low, close, volume, vwap,
  trade_count::float8 as trade_count, revision
from candles_intraday
where symbol = any($1::text[]) and interval = '1m' and ts >= $2::timestamptz and ts < $3::timestamptz`;

/** Holes as far as they lie in the window. */
const HOLES_SQL = `
select c.symbol, (extract(epoch from lower(hole)) * 1000)::float8 as from_ms,
  (extract(epoch from upper(hole)) * 1000)::float8 as to_ms
from ingestion_cursor c
cross join lateral unnest(
  c.holes * tstzmultirange(tstzrange($2::timestamptz, $3::timestamptz))
) as hole
where c.symbol = any($1::text[]) and c.interval = '1m'
order by c.symbol, lower(hole)`;

/** The bars of some symbols in a window, in no order. Throws a RangeError for more than a page of them. */
export async function readAuditBars(
  sql: SqlClient,
  symbols: readonly string[],
  window: AuditWindow,
): Promise<StoredAuditBar[]> {
  if (symbols.length > MAX_AUDIT_SYMBOLS) throw new RangeError("too many symbols");
  const { rows } = await sql.query({ text: BARS_SQL, params: paramsOf(symbols, window) });
  return rows.map((row) => {
    const { symbol, ts_ms: ts, trade_count: tradeCount, revision, ...values } = auditRow.parse(row);
    return {
      symbol,
      ts,
      revision,
      fingerprint: fingerprintOf({ symbol, ts, tradeCount, ...values }),
    };
  });
}

/** The holes of some symbols in a window. */
export async function readAuditHoles(
  sql: SqlClient,
  symbols: readonly string[],
  window: AuditWindow,
): Promise<SymbolRange[]> {
  if (symbols.length === 0) return [];
  const { rows } = await sql.query({ text: HOLES_SQL, params: paramsOf(symbols, window) });
  return rows.map((row) => holeRow.parse(row));
}

function paramsOf(symbols: readonly string[], { startMs, endMs }: AuditWindow) {
  return [[...symbols], toIso(startMs), toIso(endMs)];
}
