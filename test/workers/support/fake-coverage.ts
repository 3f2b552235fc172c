import { subtractRanges, unionRanges } from "../../../src/domain/range.ts";
import type { TimeRange } from "../../../src/domain/time.ts";
import type { StoredFlush } from "./fake-postgres.ts";

const MINUTE_MS = 60_000;
const INT4 = 23;
const JSON_ARRAY = 114;

/** The columns of the answer, with Postgres's numbers of their types. */
export const COUNTED_FIELDS = [
  ["place", INT4],
  ["owed", INT4],
  ["got", INT4],
  ["missing", JSON_ARRAY],
  ["pending", JSON_ARRAY],
  ["known", INT4],
  ["known_got", INT4],
] as const;

/** What one asked range comes to: its place among them, its minutes, its bars, minutes missing and pending. */
export type CountedRange = readonly [
  place: number,
  owed: number,
  got: number,
  missing: number[],
  pending: number[],
  known: number,
  knownGot: number,
];

/** Holes and what was given up, as the gap events of the stored flushes leave them. */
function openRanges(flushes: readonly StoredFlush[], symbol: string): TimeRange[] {
  let open: TimeRange[] = [];
  for (const [name, startMs, endMs, kind] of flushes.flatMap(({ gaps }) => gaps)) {
    const range = [{ startMs, endMs }];
    if (name === symbol && kind !== "dead")
      open = kind === "filled" ? subtractRanges(open, range) : unionRanges(open, range);
  }
  return open;
}

/**
 * The answer to the statement that counts coverage; `column` gives a bound array by its place in it,
 * `stored` what a group has drained.
 */
export function countStored(
  column: (place: number) => readonly string[],
  stored: (group: number) => {
    readonly flushes: readonly StoredFlush[];
    readonly watermark: number | null;
  },
): CountedRange[] {
  return column(1).map((symbol, index) => {
    const { flushes, watermark } = stored(Number(column(2)[index]));
    const startMs = Date.parse(column(3)[index] ?? "");
    const endMs = Date.parse(column(4)[index] ?? "");
    const open = openRanges(flushes, symbol);
    const rows = flushes.flatMap((flush) => flush.rows).filter((row) => row.symbol === symbol);
    const bars = new Set(rows.map((row) => row.ts).filter((ts) => ts >= startMs && ts < endMs));
    const missing: number[] = [];
    const pending: number[] = [];
    for (let ts = startMs; ts < endMs; ts += MINUTE_MS) {
      if (bars.has(ts)) continue;
      if (open.some((range) => range.startMs <= ts && ts < range.endMs)) missing.push(ts);
      else if (ts >= (watermark ?? startMs)) pending.push(ts);
    }
    const owed = (endMs - startMs) / MINUTE_MS;
    return [Number(column(5)[index]), owed, bars.size, missing, pending, 0, 0];
  });
}
