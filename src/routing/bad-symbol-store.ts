import type { SqlStorage } from "@cloudflare/workers-types";
import { z } from "zod";
import type { EpochMs } from "../domain/time.ts";
import { DAY_MS } from "../domain/time.ts";

/** A symbol that a provider called malformed fails its whole batch: it is not asked again for a day. */
const REMEMBERED_MS = DAY_MS;

/**
 * Symbols that are remembered of a provider; the oldest go. Of 12,700 listed symbols a handful is
 * spelled in a way that a provider does not take.
 */
export const MAX_BAD_SYMBOLS = 500;

/** A symbol that is not asked of a provider before `untilMs` (market time). */
export interface BadSymbol {
  readonly symbol: string;
  readonly untilMs: EpochMs;
}

const rowSchema = z
  .object({ symbol: z.string(), until: z.number() })
  .transform(({ symbol, until }): BadSymbol => ({ symbol, untilMs: until }));

/** The bad symbols of one provider, in the SQLite of its object. */
export class BadSymbolStore {
  #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** Remembers symbols for a day from now. */
  add(symbols: readonly string[], nowMs: EpochMs): void {
    if (symbols.length === 0) return;
    this.#sql.exec("DELETE FROM bad_symbol WHERE until <= ?", nowMs);
    for (const symbol of symbols.slice(0, MAX_BAD_SYMBOLS)) {
      this.#sql.exec(
        `INSERT INTO bad_symbol (symbol, until) VALUES (?, ?)
         ON CONFLICT (symbol) DO UPDATE SET until = excluded.until`,
        symbol,
        nowMs + REMEMBERED_MS,
      );
    }
    this.#sql.exec(
      `DELETE FROM bad_symbol WHERE symbol NOT IN
         (SELECT symbol FROM bad_symbol ORDER BY until DESC, symbol LIMIT ?)`,
      MAX_BAD_SYMBOLS,
    );
  }

  /** What is remembered at `nowMs`, by symbol. */
  list(nowMs: EpochMs): BadSymbol[] {
    return this.#sql
      .exec("SELECT symbol, until FROM bad_symbol WHERE until > ? ORDER BY symbol", nowMs)
      .toArray()
      .map((row) => rowSchema.parse(row));
  }
}
