import { z } from "zod";
import type { BarEvent, Via } from "./events.ts";
import { readPage, type PageReading } from "./read-page.ts";
import { type Selection, selects } from "./selection.ts";

/** Rows of a page. */
const PAGE_ROWS = 5_000;

const rowSchema = z.object({
  symbol: z.string(),
  ts: z.iso.datetime().transform(Date.parse),
  open: z.number(),
  high: z.number(),
  low: z.number(),
  close: z.number(),
  volume: z.number(),
  vwap: z.number().nullable(),
  trade_count: z.number().nullable(),
  provider: z.string(),
  feed: z.string(),
  status: z.string(),
  revision: z.number(),
  as_of: z.iso.datetime().transform(Date.parse),
});
/** A diff answers `changes`, a read of bars answers `bars`. */
const pageSchema = z.union([
  z.object({ changes: z.array(rowSchema), next_page_token: z.string().nullable() }),
  z.object({ bars: z.array(rowSchema), next_page_token: z.string().nullable() }),
]);

/** Bars of one interval read from the data routes. */
export interface BarRows {
  readonly channel: BarEvent["channel"];
  readonly via: Via;
  readonly selection: Selection;
}

/** A page of bars: the client's own, and the knowledge time of the last row of all. */
export interface BarPage {
  readonly bars: readonly BarEvent[];
  readonly lastAsOf: number;
}

/** The pages of a read of bars or of a diff, in its order. Throws when one can't be had. */
export async function* readBarPages(
  first: URL,
  rows: BarRows,
  reading: PageReading,
): AsyncGenerator<BarPage> {
  const url = new URL(first);
  url.searchParams.set("limit", String(PAGE_ROWS));
  for (;;) {
    const page = await readPage(url, pageSchema, reading);
    const all = "changes" in page ? page.changes : page.bars;
    const bars = all.map((row) => barOf(row, rows)).filter((bar) => selects(rows.selection, bar));
    yield { bars, lastAsOf: all.at(-1)?.as_of ?? -Infinity };
    if (page.next_page_token === null) return;
    if (page.next_page_token === url.searchParams.get("page_token"))
      throw new Error(`${url.pathname}: a page names itself as the next one`);
    url.searchParams.set("page_token", page.next_page_token);
  }
}

function barOf(row: z.output<typeof rowSchema>, { channel, via }: BarRows): BarEvent {
  const { symbol, ts, open, high, low, close, volume, vwap, provider, feed, status } = row;
  const prices = { open, high, low, close, volume, tradeCount: row.trade_count, vwap };
  const belief = { revision: row.revision, provider, feed, status, asOf: row.as_of, via };
  return { type: "bar", channel, symbol, ts, ...prices, ...belief };
}
