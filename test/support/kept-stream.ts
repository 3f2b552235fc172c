import { Crc32c } from "../../src/stream/crc32c.ts";

/** The stream's columns of a bar: symbol, start, four prices, volume, count, vwap, revision, and its source. */
export type Row = readonly [string, number, ...unknown[]];

/** A flush as the service keeps it. */
interface KeptFlush {
  readonly epoch: string;
  readonly fs: number;
  readonly at: number;
  readonly rows: readonly Row[];
  readonly gaps?: readonly unknown[];
  /** When the next one is due. */
  readonly next?: number;
}

/** One stream of the service: its present life, and everything that ever was. */
export class KeptStream {
  readonly name: string;
  readonly symbols: readonly string[];
  epoch = "aaaaaaaaaaaaaaa";
  lives = 0;
  log: KeptFlush[] = [];
  readonly all: KeptFlush[] = [];
  /** Flushes of this life that have left the log. */
  aged = 0;
  /** Flushes of this life that are in the database. */
  drained = 0;

  constructor(name: string, symbols: readonly string[]) {
    this.name = name;
    this.symbols = symbols;
  }

  get head(): number {
    return this.log.length;
  }

  get headAt(): number {
    return this.log.at(-1)?.at ?? this.all.at(-1)?.at ?? 0;
  }

  /** Knowledge time up to which the database has everything. */
  get drainedAt(): number {
    return this.log[this.drained - 1]?.at ?? this.all.at(-this.head - 1)?.at ?? 0;
  }

  append(at: number, rows: readonly Row[], gaps?: readonly unknown[], next?: number): KeptFlush {
    const numbered = { epoch: this.epoch, fs: this.head + 1, at, rows };
    const flush = {
      ...numbered,
      ...(gaps === undefined ? {} : { gaps }),
      ...(next === undefined ? {} : { next }),
    };
    this.log.push(flush);
    this.all.push(flush);
    return flush;
  }

  beginEpoch(): void {
    this.lives += 1;
    this.epoch = `b${String(this.lives).padStart(14, "0")}`;
    this.log = [];
    this.aged = 0;
    this.drained = 0;
  }
}

const COLUMNS = ["s", "t", "o", "h", "l", "c", "v", "n", "vw", "rev", "src", "feed", "st"];

export function barRow(symbol: string, ts: number, close: number, revision = 0): Row {
  return [
    symbol,
    ts,
    close,
    close,
    close,
    close,
    100,
    10,
    null,
    revision,
    "alpaca",
    "sip",
    "first",
  ];
}

/** The text of a flush on the socket. */
export function flushText(stream: string, flush: KeptFlush, replayed: boolean): string {
  const { epoch: e, fs, at, rows, gaps, next } = flush;
  return JSON.stringify({
    op: "flush",
    g: stream,
    e,
    fs,
    at,
    ...(rows.length > 0 ? { bars: { ch: "bars.1m", cols: COLUMNS, rows } } : {}),
    ...(gaps === undefined ? {} : { gaps }),
    ...(next === undefined ? {} : { next }),
    ...(replayed ? { rp: 1 } : {}),
  });
}

/** What ends a replay of some flushes. */
export function trailerText(stream: string, fs: number, flushes: readonly KeptFlush[]): string {
  const crc = new Crc32c();
  for (const flush of flushes) crc.update(flushText(stream, flush, true));
  const count = flushes.reduce((sum, flush) => sum + flush.rows.length, 0);
  return JSON.stringify({ op: "caught_up", g: stream, fs, count, crc32c: crc.digest() });
}

/** A bar as the data routes answer it. */
export function viewOf(row: Row, at: number): Record<string, unknown> {
  const [symbol, ts, open, high, low, close, volume, tradeCount, vwap, revision, ...source] = row;
  const [provider, feed, status] = source;
  const values = { open, high, low, close, volume, vwap, trade_count: tradeCount };
  const belief = { provider, feed, session: "regular", status, revision };
  const times = { ts: new Date(ts).toISOString(), as_of: new Date(at).toISOString() };
  return { symbol, ...values, ...belief, ...times };
}
