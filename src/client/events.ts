import type { Channel } from "../contracts/stream.ts";

/** How something reached the client: pushed, resent by the socket, or fetched over HTTP. */
export type Via = "live" | "replay" | "snapshot" | "handoff" | "history";

/** One belief about one bar. Prices in dollars, volume in shares, times in ms since the epoch. */
export interface BarEvent {
  readonly type: "bar";
  readonly channel: Exclude<Channel, "quotes">;
  readonly symbol: string;
  /** START of the bar, UTC; of a daily bar 00:00 UTC of its trading date. */
  readonly ts: number;
  readonly open: number;
  readonly high: number;
  readonly low: number;
  readonly close: number;
  readonly volume: number;
  readonly tradeCount: number | null;
  readonly vwap: number | null;
  /** 0 is the first belief; a higher one replaces it. */
  readonly revision: number;
  readonly provider: string;
  readonly feed: string;
  readonly status: string;
  /** Knowledge time: since when it is believed. */
  readonly asOf: number;
  readonly via: Via;
}

/** The last quote of a symbol; a side that nobody quotes, or that is stale, is null. */
export interface QuoteEvent {
  readonly type: "quote";
  readonly symbol: string;
  readonly ts: number;
  /** Nanoseconds after `ts`. */
  readonly nsOfMs: number;
  readonly bid: number | null;
  readonly ask: number | null;
  readonly bidSize: number | null;
  readonly askSize: number | null;
  readonly sizeUnit: string | null;
  readonly last: number | null;
  readonly lastTs: number | null;
  readonly provider: string;
  readonly feed: string;
  readonly venue: string | null;
  readonly consolidated: boolean;
  readonly status: string;
  readonly asOf: number;
  readonly via: Via;
}

/** A range without bars `[startMs, endMs)`: `open`, `filled`, `dead` or `unfillable`. */
export interface GapEvent {
  readonly type: "gap";
  readonly symbol: string;
  readonly startMs: number;
  readonly endMs: number;
  readonly kind: string;
  readonly provider: string | null;
  /** Where the bars can be read that a history load brought; null when they came by flushes. */
  readonly href: string | null;
  readonly asOf: number;
  readonly via: Via;
}

/** How the connection's symbols of one stream stand at a minute; the last four add up to `expected`. */
export interface ManifestEvent {
  readonly type: "manifest";
  readonly stream: string;
  readonly minute: number;
  readonly expected: number;
  readonly got: number;
  readonly noTrade: number;
  readonly missing: number;
  readonly pending: number;
  readonly asOf: number;
  readonly via: Via;
}

/** A policy changed its provider. */
export interface SourceEvent {
  readonly type: "source";
  readonly policy: string;
  readonly before: string;
  readonly after: string;
  readonly reason: string;
  readonly asOf: number;
  readonly via: Via;
}

/** What the iterator gives. */
export type FeedEvent = BarEvent | QuoteEvent | GapEvent | ManifestEvent | SourceEvent;

/** What becomes of the connection. */
export type FeedState =
  | { readonly state: "connecting"; readonly attempt: number }
  /** Subscribed; `rejected` are symbols that the service does not know, each with its code. */
  | {
      readonly state: "open";
      readonly connection: string;
      readonly rejected: readonly { readonly symbol: string; readonly code: number }[];
    }
  /** Every stream has caught up. */
  | { readonly state: "live" }
  /** The connection ended or could not be trusted; it is made anew from the last trusted position. */
  | { readonly state: "resuming"; readonly reason: string; readonly code: number | null }
  /** What a stream missed is fetched over HTTP. */
  | { readonly state: "handed_off"; readonly stream: string; readonly url: string }
  /** These streams should have sent something by `dueMs` (the service's clock). */
  | { readonly state: "late"; readonly streams: readonly string[]; readonly dueMs: number }
  /** A history load could not be fetched; its gap event was delivered and names the same `href`. */
  | { readonly state: "history_failed"; readonly href: string; readonly reason: string }
  /** For good: by `close()`, or by a code after which a client does not come back. */
  | { readonly state: "closed"; readonly reason: string; readonly code: number | null };
