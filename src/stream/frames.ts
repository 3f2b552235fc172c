import type { Flush } from "../contracts/flush.ts";
import { FLUSH_COLUMNS } from "../contracts/flush.ts";
import { QUOTE_COLUMNS, type QuoteRow, toQuoteRow } from "../contracts/quote-row.ts";
import type { Channel } from "../contracts/stream.ts";
import { countStates } from "../domain/manifest.ts";
import type { BarSnapshot, QuoteSnapshot } from "./home-port.ts";
import type { StreamView } from "./subscription.ts";
import { type Position, streamName } from "./token.ts";

const WIRE_COLUMNS = FLUSH_COLUMNS.length;

/** A flush as one connection gets it: its text, and how many rows it carries. */
export interface Frame {
  readonly text: string;
  readonly rows: number;
}

/** Policies whose change of source concerns a channel. */
const POLICY_CHANNELS: Readonly<Record<string, Channel>> = {
  bars_1m: "bars.1m",
  bars_1d: "bars.1d",
  quotes_l1: "quotes",
};

/**
 * The wire text of a flush for one view of its stream: only the view's own rows, and of minutes the gap
 * events and manifest counts; maybe none, for a client proves continuity by the number alone.
 */
export function flushFrame(flush: Flush, view: StreamView, replayed: boolean): Frame {
  const ch = flush.daily.length > 0 ? "bars.1d" : "bars.1m";
  const mine = view.channels.get(ch);
  const rows = (ch === "bars.1d" ? flush.daily : flush.rows)
    .filter((row) => (view.firstOnly ? row[9] === 0 : true) && mine?.includes(row[0]) === true)
    .map((row) => row.slice(0, WIRE_COLUMNS));
  const minutes = view.channels.get("bars.1m");
  const gaps = flush.gaps.filter((gap) => minutes?.includes(gap[0]) === true);
  const man =
    minutes === undefined
      ? []
      : flush.man
          .map(([minute, states]) => countStates(minute, states, minutes.mask))
          .filter((entry) => entry !== null);
  const source = flush.source.filter(([policy]) =>
    view.channels.has(POLICY_CHANNELS[policy] ?? "bars.1m"),
  );
  const quotes = quotesOf(flush.quotes, view);
  const frame = {
    op: "flush",
    g: streamName(flush),
    e: flush.epoch,
    fs: flush.fs,
    at: flush.as_of,
    ...barsPart(ch, rows, view),
    ...quotesPart(quotes, view),
    ...(gaps.length > 0 ? { gaps } : {}),
    ...(source.length > 0 ? { source } : {}),
    ...(man.length > 0 ? { man } : {}),
    ...(flush.next === null ? {} : { next: flush.next }),
    ...(replayed ? { rp: 1 } : {}),
  };
  return { text: JSON.stringify(frame), rows: rows.length + quotes.length };
}

/** The last quotes of a home for one view of its stream of quotes, as of flush `fs`. */
export function snapshotFrame(group: number, snapshot: QuoteSnapshot, view: StreamView): string {
  const { epoch, fs, at } = snapshot;
  const g = streamName({ group, class: "quotes" });
  const rows = snapshot.quotes.map(({ quote, status }) => toQuoteRow(quote, status));
  return JSON.stringify({
    op: "snapshot",
    g,
    e: epoch,
    fs,
    at,
    ...quotesPart(quotesOf(rows, view), view),
  });
}

/** The last bars of a home for one view of its stream: a frame a channel, also when it has none. */
export function barSnapshotFrames(
  group: number,
  snapshot: BarSnapshot,
  view: StreamView,
): string[] {
  const { epoch, fs, at, minutes, dates } = snapshot;
  const g = streamName({ group, class: "bars" });
  const rows = { "bars.1m": minutes, "bars.1d": dates };
  return (["bars.1m", "bars.1d"] as const)
    .filter((ch) => view.channels.has(ch))
    .map((ch) => {
      const wanted = view.channels.get(ch);
      const mine = rows[ch].filter(({ symbol }) => wanted?.includes(symbol) === true);
      const values = mine.map((bar) => bar.values);
      const bars = barsPart(ch, values, view);
      return JSON.stringify({ op: "snapshot", g, e: epoch, fs, at, ...bars });
    });
}

type BarsChannel = Exclude<Channel, "quotes">;

function barsPart(ch: BarsChannel, rows: readonly (readonly unknown[])[], view: StreamView) {
  return rows.length > 0 ? { bars: { ch, ...table(FLUSH_COLUMNS, rows, view) } } : {};
}

/** Rows as the view wants them: under their columns, or each with its names. */
function table(
  cols: readonly string[],
  rows: readonly (readonly unknown[])[],
  { objects }: StreamView,
) {
  if (!objects) return { cols, rows };
  return {
    rows: rows.map((row) => Object.fromEntries(cols.map((name, place) => [name, row[place]]))),
  };
}

function quotesOf(rows: readonly QuoteRow[], view: StreamView): unknown[][] {
  const wanted = view.channels.get("quotes");
  if (wanted === undefined) return [];
  return rows
    .filter((row) => wanted.includes(row[0]))
    .map((row) => row.slice(0, QUOTE_COLUMNS.length));
}

function quotesPart(rows: readonly unknown[][], view: StreamView) {
  return rows.length > 0 ? { quotes: { ch: "quotes", ...table(QUOTE_COLUMNS, rows, view) } } : {};
}

/** Of frames no more than this is remembered: many different subscriptions would take up the memory of all. */
export const MAX_FRAME_CHARS = 16_000_000;

/** What all connections that take a flush share: where it leaves them, and the frame of each view. */
export class FrameCache {
  readonly flush: Flush;
  readonly position: Position;
  #frames = new Map<string, Frame>();
  #chars = 0;
  #onMade: () => void;

  /** `onMade` is told of each frame that is remembered. */
  constructor(flush: Flush, onMade: () => void = () => {}) {
    this.flush = flush;
    this.position = { epoch: flush.epoch, fs: flush.fs, at: flush.as_of };
    this.#onMade = onMade;
  }

  /** Of all frames that are remembered. */
  get chars(): number {
    return this.#chars;
  }

  frame(view: StreamView): Frame {
    const known = this.#frames.get(view.key);
    if (known !== undefined) return known;
    const frame = flushFrame(this.flush, view, false);
    // A key names its symbols, so it may be as long as a frame.
    const chars = view.key.length + frame.text.length;
    if (chars > MAX_FRAME_CHARS) return frame;
    this.#makeRoom(MAX_FRAME_CHARS - chars);
    this.#frames.set(view.key, frame);
    this.#chars += chars;
    this.#onMade();
    return frame;
  }

  /** Forgets the oldest frames until no more than so many characters are left. */
  #makeRoom(maxChars: number): void {
    for (const [key, { text }] of this.#frames) {
      if (this.#chars <= maxChars) return;
      this.#frames.delete(key);
      this.#chars -= key.length + text.length;
    }
  }
}
