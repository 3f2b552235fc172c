import type { SqlStorage } from "@cloudflare/workers-types";
import { z } from "zod";
import { quoteRowSchema, type QuoteRow } from "../contracts/quote-row.ts";
import type { EpochMs } from "../domain/time.ts";

const bodySchema = z.array(z.tuple([quoteRowSchema, z.number()]));

/** The last quote of a symbol, and the knowledge time of the flush that brought it. */
export interface LatestQuote {
  readonly row: QuoteRow;
  readonly asOf: EpochMs;
}

/**
 * The last quote of each symbol of a group. One row for all of them: a sweep changes most, so a row a
 * symbol would be written as often (1,000 members are about 200 KB; SQLite rows may have 2 MB).
 */
export class LatestQuotes {
  #sql: SqlStorage;
  #bySymbol: ReadonlyMap<string, LatestQuote>;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    const stored = sql.exec<{ body: string }>("SELECT body FROM latest_quotes").toArray()[0];
    const entries = stored === undefined ? [] : bodySchema.parse(JSON.parse(stored.body));
    this.#bySymbol = new Map(entries.map(([row, asOf]) => [row[0], { row, asOf }]));
  }

  get(symbol: string): LatestQuote | undefined {
    return this.#bySymbol.get(symbol);
  }

  all(): LatestQuote[] {
    return [...this.#bySymbol.values()];
  }

  /** Writes the rows over the older ones of their symbols; `take` makes them known. */
  write(rows: readonly QuoteRow[], asOf: EpochMs): ReadonlyMap<string, LatestQuote> {
    const next = new Map(this.#bySymbol);
    for (const row of rows) next.set(row[0], { row, asOf });
    this.#sql.exec(
      "INSERT INTO latest_quotes (id, body) VALUES (0, ?) ON CONFLICT (id) DO UPDATE SET body = excluded.body",
      JSON.stringify(Array.from(next.values(), (quote) => [quote.row, quote.asOf])),
    );
    return next;
  }

  /** What was written is true: its transaction is over. */
  take(written: ReadonlyMap<string, LatestQuote>): void {
    this.#bySymbol = written;
  }
}
