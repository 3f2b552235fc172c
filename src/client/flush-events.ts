import type { FlushFrame } from "../contracts/stream.ts";
import type { BarEvent, FeedEvent, QuoteEvent, Via } from "./events.ts";
import { ownsSymbol, type Selection, selects } from "./selection.ts";
import type { SnapshotFrame } from "./server-frame.ts";

/** How the events of a flush are made: `withBars` false when its bars were fetched before it came. */
export interface FlushReading {
  readonly via: Via;
  readonly withBars: boolean;
}

/** What a flush says about the client's own symbols: bars and quotes first, in the order they stand. */
export function flushEvents(
  frame: FlushFrame,
  selection: Selection,
  { via, withBars }: FlushReading,
): FeedEvent[] {
  const said = { asOf: frame.at, via };
  const gaps = (frame.gaps ?? []).filter(([symbol]) => ownsSymbol(selection, symbol));
  return [
    ...(withBars ? barEvents(frame, selection, via) : []),
    ...quoteEvents(frame, selection, via),
    ...gaps.map(([symbol, startMs, endMs, kind, provider, href]): FeedEvent => {
      return { type: "gap", symbol, startMs, endMs, kind, provider, href, ...said };
    }),
    ...(frame.source ?? []).map(([policy, before, after, reason]): FeedEvent => {
      return { type: "source", policy, before, after, reason, ...said };
    }),
    ...(frame.man ?? []).map(([minute, expected, got, noTrade, missing, pending]): FeedEvent => {
      const counts = { expected, got, noTrade, missing, pending };
      return { type: "manifest", stream: frame.g, minute, ...counts, ...said };
    }),
  ];
}

/** The latest bars and quotes of a snapshot. */
export function snapshotEvents(frame: SnapshotFrame, selection: Selection): FeedEvent[] {
  return [...barEvents(frame, selection, "snapshot"), ...quoteEvents(frame, selection, "snapshot")];
}

type Carrier = Pick<FlushFrame, "at" | "bars" | "quotes">;

function barEvents({ at, bars }: Carrier, selection: Selection, via: Via): BarEvent[] {
  if (bars === undefined) return [];
  return bars.rows
    .map((row): BarEvent => {
      const [symbol, ts, open, high, low, close, volume, tradeCount, vwap, revision, ...source] =
        row;
      const [provider, feed, status] = source;
      const prices = { open, high, low, close, volume, tradeCount, vwap };
      const belief = { revision, provider, feed, status, asOf: at, via };
      return { type: "bar", channel: bars.ch, symbol, ts, ...prices, ...belief };
    })
    .filter((bar) => selects(selection, bar));
}

function quoteEvents({ at, quotes }: Carrier, selection: Selection, via: Via): QuoteEvent[] {
  if (quotes === undefined) return [];
  return quotes.rows
    .filter(([symbol]) => ownsSymbol(selection, symbol))
    .map((row): QuoteEvent => {
      const [symbol, ts, nsOfMs, bid, ask, bidSize, askSize, sizeUnit, last, lastTs, ...source] =
        row;
      const [provider, feed, venue, consolidated, status] = source;
      const values = { bid, ask, bidSize, askSize, sizeUnit, last, lastTs };
      const said = { provider, feed, venue, consolidated, status, asOf: at, via };
      return { type: "quote", symbol, ts, nsOfMs, ...values, ...said };
    });
}
