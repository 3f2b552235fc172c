import {
  flushSchema,
  type Flush,
  type FlushRow,
  type GapEvent,
} from "../../src/contracts/flush.ts";

/** 2026-03-20 13:30 UTC, the open of a regular session. */
export const OPEN_MS = Date.UTC(2026, 2, 20, 13, 30);

/** A row of AAPL at the open unless told otherwise; `close` also moves the high. */
export function row(
  change: {
    symbol?: string;
    ts?: number;
    close?: number;
    revision?: number;
    volume?: number;
    askedAt?: number;
  } = {},
): FlushRow {
  const close = change.close ?? 100.5;
  const ts = change.ts ?? OPEN_MS;
  return [
    change.symbol ?? "AAPL",
    ts,
    100.25,
    Math.max(close, 101.1),
    Math.min(close, 99.9),
    close,
    change.volume ?? 1_234.5,
    321,
    100.4321,
    change.revision ?? 0,
    "alpaca",
    "sip",
    (change.revision ?? 0) === 0 ? "first" : "updated",
    "regular",
    change.askedAt ?? ts + 62_000,
  ];
}

/** A flush of group 7; its `as_of` is the open plus a minute and `fs` seconds unless told otherwise. */
export function flush(fs: number, change: Partial<Flush> = {}): Flush {
  return flushSchema.parse({
    v: 1,
    group: 7,
    class: "bars",
    epoch: "0k3f9a2xq0aaaaa",
    fs,
    as_of: OPEN_MS + 60_000 + fs * 1_000,
    received_at: 0,
    rows: [],
    gaps: [],
    source: [],
    man: [],
    watermark: null,
    next: null,
    ...change,
  });
}

/** A gap event of AAPL over `[fromMinute, toMinute)` after the open. */
export function gap(
  kind: GapEvent[3],
  fromMinute: number,
  toMinute: number,
  symbol = "AAPL",
): GapEvent {
  return [
    symbol,
    OPEN_MS + fromMinute * 60_000,
    OPEN_MS + toMinute * 60_000,
    kind,
    kind === "filled" ? "polygon" : null,
    null,
  ];
}
