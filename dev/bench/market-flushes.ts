import { FLUSH_VERSION, type Flush, type FlushRow } from "../../src/contracts/flush.ts";
import { MINUTE_MS, SECOND_MS, type EpochMs } from "../../src/domain/time.ts";

const EPOCH = "0k3f9a2xq0bench";

/** The symbol at a place of the market. */
export function symbolAt(place: number): string {
  return `S${String(place).padStart(4, "0")}`;
}

/** A bar with numbers as they come: five digits of price, some with fractions of a cent in the vwap. */
function barRow(place: number, ts: EpochMs, revision: number): FlushRow {
  const close = 20 + ((place * 7_919 + ts / MINUTE_MS) % 30_000) / 100;
  const volume = 100 + ((place * 104_729 + ts / MINUTE_MS) % 90_000) + revision;
  return [
    symbolAt(place),
    ts,
    close - 0.02,
    close + 0.05,
    close - 0.04,
    close,
    volume,
    1 + (volume % 700),
    close + 0.0037,
    revision,
    "alpaca",
    "sip",
    revision === 0 ? "first" : "updated",
    "regular",
    ts + MINUTE_MS + 3 * SECOND_MS,
  ];
}

/** Some bars of one group as one flush: its members' minutes from `fromMs` on, so many. */
export interface FlushShape {
  readonly group: number;
  readonly members: number;
  readonly fs: number;
  readonly fromMs: EpochMs;
  readonly minutes: number;
  readonly revision: number;
}

/** The flush that a group makes of its members' bars, known some seconds after the last of them. */
export function flushOf({ group, members, fs, fromMs, minutes, revision }: FlushShape): Flush {
  const endMs = fromMs + minutes * MINUTE_MS;
  const rows: FlushRow[] = [];
  for (let ts = fromMs; ts < endMs; ts += MINUTE_MS) {
    for (let slot = 0; slot < members; slot += 1)
      rows.push(barRow(group * members + slot, ts, revision));
  }
  return flushOfRows(rows, { group, fs, endMs });
}

/** These bars of a group as its flush `fs`, known some seconds after `endMs`, which all are complete up to. */
export function flushOfRows(
  rows: FlushRow[],
  { group, fs, endMs }: { readonly group: number; readonly fs: number; readonly endMs: EpochMs },
): Flush {
  return {
    v: FLUSH_VERSION,
    group,
    class: "bars",
    epoch: EPOCH,
    fs,
    as_of: endMs + 4 * SECOND_MS + fs,
    received_at: 0,
    rows,
    daily: [],
    gaps: [],
    source: [],
    man: [],
    quotes: [],
    watermark: endMs,
    watermark_1d: null,
    next: null,
  };
}
