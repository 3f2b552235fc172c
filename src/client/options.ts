import { type Channel, MAX_CLIENT_FRAME_BYTES, STREAM_PROTOCOL } from "../contracts/stream.ts";
import { parseToken, type Position } from "../stream/token.ts";
import type { ClientDeps } from "./client-deps.ts";
import type {
  BarEvent,
  FeedState,
  GapEvent,
  ManifestEvent,
  QuoteEvent,
  SourceEvent,
} from "./events.ts";
import type { Selection } from "./selection.ts";

/** Events that wait for the consumer before the client drops the socket to resume later. */
const DEFAULT_MAX_QUEUED = 50_000;

/** What `connect` takes. */
export interface ConnectOptions {
  /** Where the service is: `https://HOST` (or `wss://HOST`). */
  readonly url: string;
  /** A key of the service. Give it or `getTicket`, not both. */
  readonly key?: string;
  /** Gets a fresh single-use ticket before each attempt: in browsers, where no key should be. */
  readonly getTicket?: () => Promise<string>;
  /** Canonical symbols; `["*"]` is the whole universe. */
  readonly symbols: readonly string[];
  /** Default: `["bars.1m"]`. */
  readonly channels?: readonly Channel[];
  /** The `token` of an earlier client: goes on where that one was. */
  readonly resume?: string;
  /** Where to begin without `resume`: `"now"` (default), `"snapshot"`, or a knowledge time in ms. */
  readonly from?: "now" | "snapshot" | number;
  /** `"first"`: first beliefs only, no revisions. Default `"all"`. */
  readonly rev?: "all" | "first";
  /** Whether bars of history loads are fetched, too; else only their gap events come. */
  readonly history?: boolean;
  /** Whether the service is told what was consumed, so that it sees a slow reader. Default true. */
  readonly ack?: boolean;
  /** Events that may wait for the consumer, default 50,000; with more the socket is dropped and resumed later. */
  readonly maxQueued?: number;
  readonly onBar?: (bar: BarEvent) => void;
  readonly onQuote?: (quote: QuoteEvent) => void;
  readonly onGap?: (gap: GapEvent) => void;
  readonly onManifest?: (manifest: ManifestEvent) => void;
  readonly onSource?: (source: SourceEvent) => void;
  readonly onState?: (state: FeedState) => void;
  /** Parts of the platform to use instead of its own. A `fetch` of yours carries hand-offs of a ticket's client. */
  readonly deps?: Partial<ClientDeps>;
}

/** What the options say, checked. */
export interface Subscription {
  readonly selection: Selection;
  /** The service's origin, `http:` or `https:`. */
  readonly origin: string;
  readonly positions: ReadonlyMap<string, Position>;
  readonly protocols: string[];
  readonly headers: Readonly<Record<string, string>>;
  readonly maxQueued: number;
}

/** What a subprotocol may consist of (RFC 9110, section 5.6.2): the key travels as one. */
const PROTOCOL_TOKEN = /^[\w!#$%&'*+.^`|~-]+$/;

/** Checks options. Throws a TypeError that says what is wrong: a mistake in the program, not a fault. */
export function readOptions(options: ConnectOptions): Subscription {
  const { key, getTicket, symbols, channels = ["bars.1m"], resume, rev = "all" } = options;
  if ((key === undefined) === (getTicket === undefined))
    throw new TypeError("give either key or getTicket");
  if (key !== undefined && !PROTOCOL_TOKEN.test(key))
    throw new TypeError("key has characters that no key has");
  if (symbols.length === 0 || channels.length === 0)
    throw new TypeError("give at least one symbol and one channel");
  if (symbols.join().length > MAX_CLIENT_FRAME_BYTES / 2)
    throw new TypeError('too many symbols for one connection: take ["*"], or several');
  const positions = parseToken(resume ?? "");
  if (positions === null) throw new TypeError("resume is not a token of this client");
  return {
    selection: { channels, symbols: symbols.includes("*") ? "*" : new Set(symbols), rev },
    origin: new URL(options.url.replace(/^ws/, "http")).origin,
    positions,
    protocols: key === undefined ? [STREAM_PROTOCOL] : [STREAM_PROTOCOL, `key.${key}`],
    headers: key === undefined ? {} : { authorization: `Bearer ${key}` },
    maxQueued: options.maxQueued ?? DEFAULT_MAX_QUEUED,
  };
}

/** The first frame of a connection. `token` is what the client has; empty: nothing yet. */
export function subscribeFrame(options: ConnectOptions, token: string, id: number): string {
  const { symbols, channels = ["bars.1m"], from, rev, ack = true } = options;
  return JSON.stringify({
    op: "sub",
    id,
    ch: channels,
    symbols,
    format: "columns",
    ...(ack ? { ack: true } : {}),
    ...(rev === undefined ? {} : { rev }),
    ...(token === "" ? (from === undefined ? {} : { from }) : { resume: token }),
  });
}
