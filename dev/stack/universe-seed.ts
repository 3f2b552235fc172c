import { groupOf } from "../../src/domain/symbol.ts";
import type { Database } from "../database/database.ts";
import type { ListedSymbol } from "../market/market.ts";

/**
 * Lists the market's symbols in `symbol_universe`, all of tier T0 by this one override: tiers by
 * dollar volume need the universe duty. Symbols that are listed already keep their sid.
 */
export async function seedUniverse(
  database: Database,
  symbols: readonly ListedSymbol[],
  symbolGroups: number,
): Promise<void> {
  const columns = {
    symbol: symbols.map((listed) => listed.symbol),
    name: symbols.map((listed) => listed.name),
    exchange: symbols.map((listed) => listed.exchange),
    type: symbols.map((listed) => listed.type),
    group: symbols.map((listed) => groupOf(listed.symbol, symbolGroups)),
  };
  await database.query(
    `insert into symbol_universe (symbol, sid, name, exchange, type, tier, "group", active, first_seen, last_seen)
     select listed.symbol, base.sid + listed.nth, listed.name, listed.exchange, listed.type, 'T0', listed."group", true, now(), now()
     from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::smallint[])
       with ordinality as listed (symbol, name, exchange, type, "group", nth),
       (select coalesce(max(sid), 0) as sid from symbol_universe) base
     where not exists (select 1 from symbol_universe known where known.symbol = listed.symbol)
     on conflict (symbol) do nothing`,
    [columns.symbol, columns.name, columns.exchange, columns.type, columns.group],
  );
}
