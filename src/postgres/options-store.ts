import type { OptionsMetrics } from "../domain/options-metrics.ts";
import type { ProviderId } from "../domain/provider-id.ts";
import { type EpochMs, toIso } from "../domain/time.ts";
import type { TradingDate } from "../domain/trading-date.ts";
import { LOCK_HORIZON } from "./lock-horizon.ts";
import type { SqlClient } from "./sql-client.ts";

/** What a provider's chain says of an underlying. */
export interface OptionsWrite extends OptionsMetrics {
  readonly underlying: string;
  readonly source: ProviderId;
  readonly askedAtMs: EpochMs;
}

const VALUES =
  "put_call_volume, put_call_open_interest, atm_iv, skew, skew_method, expiry, underlying_price, contracts, source";

const excluded = VALUES.split(", ").map((name) => `excluded.${name}`);
const stored = VALUES.split(", ").map((name) => `m.${name}`);

const STORE_SQL = `
insert into options_metrics as m (underlying, ts, as_of, asked_at, ${VALUES})
values ($1, $2::date::timestamp at time zone 'UTC', known_from($3::timestamptz), $4::timestamptz,
  $5::float8, $6::float8, $7::float8, $8::float8, $9::text, $10::date, $11::float8, $12::integer, $13)
on conflict (underlying, ts) do update set
  (as_of, asked_at, revision, ${VALUES}) =
  (excluded.as_of, excluded.asked_at, m.revision + 1, ${excluded.join(", ")})
where m.asked_at < excluded.asked_at
  and (${stored.join(", ")}) is distinct from (${excluded.join(", ")})`;

/** Writes the metrics of a trading date if they differ from what is stored and were asked for later. */
export async function storeOptions(
  sql: SqlClient,
  date: TradingDate,
  write: OptionsWrite,
  nowMs: EpochMs,
): Promise<void> {
  await sql.transaction([
    LOCK_HORIZON,
    {
      text: STORE_SQL,
      params: [
        write.underlying,
        date,
        toIso(nowMs),
        toIso(write.askedAtMs),
        write.putCallVolume,
        write.putCallOpenInterest,
        write.atmIv,
        write.skew,
        write.skewMethod,
        write.expiry,
        write.price,
        write.contracts,
        write.source,
      ],
    },
  ]);
}
