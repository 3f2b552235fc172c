import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { MarketBar } from "../../../dev/market/market.ts";
import { MAX_SCANNED_MINUTES, scanMinutes } from "../../../dev/sandbox/minute-scan.ts";
import type { LookUp, Scan, ScanPlace } from "../../../dev/sandbox/minute-scan.ts";
import { MINUTE_MS } from "../../../src/domain/time.ts";

const bar: MarketBar = { o: 1, h: 1, l: 1, c: 1, v: 1 };
const OPEN_MS = Date.parse("2026-03-20T13:30:00Z");

interface Page {
  readonly points: readonly string[];
  readonly next: ScanPlace | null;
}

function readPage(scan: Scan, lookUp: LookUp): Page {
  const points: string[] = [];
  const next = scanMinutes(scan, lookUp, (symbol, ts) => points.push(`${symbol} ${ts}`));
  return { points, next };
}

function readPages(scan: Scan, lookUp: LookUp): Page[] {
  const pages: Page[] = [];
  let from: ScanPlace | null = null;
  do {
    const page = readPage({ ...scan, from }, lookUp);
    pages.push(page);
    from = page.next;
  } while (from !== null && pages.length < 1_000);
  return pages;
}

describe("a scan of minutes", () => {
  it("pages to the whole for any limit, order and pattern of bars, without an empty last page", () => {
    const pattern = fc.array(fc.boolean(), { minLength: 30, maxLength: 30 });
    const order = fc.constantFrom("asc" as const, "desc" as const);
    fc.assert(
      fc.property(pattern, order, fc.integer({ min: 1, max: 12 }), (traded, direction, limit) => {
        const lookUp: LookUp = (symbol, ts) => {
          const place =
            (ts - OPEN_MS) / MINUTE_MS + (symbol === "B" ? 10 : symbol === "C" ? 20 : 0);
          return traded[place] === true ? bar : undefined;
        };
        const scan: Scan = {
          symbols: ["A", "B", "C"],
          startMs: OPEN_MS - 1,
          endMs: OPEN_MS + 9 * MINUTE_MS + 59_999,
          order: direction,
          limit,
          from: null,
        };
        const pages = readPages(scan, lookUp);
        const whole = readPage({ ...scan, limit: 100 }, lookUp);
        expect(whole.next).toBeNull();
        expect(whole.points).toHaveLength(traded.filter(Boolean).length);
        expect(pages.flatMap(({ points }) => points)).toEqual(whole.points);
        expect(pages.slice(0, -1).every(({ points }) => points.length === limit)).toBe(true);
        expect(pages.length).toBe(Math.max(1, Math.ceil(whole.points.length / limit)));
      }),
      { numRuns: 200 },
    );
  });

  it("ends a page early instead of looking through years in one call, and goes on from there", () => {
    const lastMs = OPEN_MS + 2 * MAX_SCANNED_MINUTES * MINUTE_MS;
    const scan: Scan = {
      symbols: ["A"],
      startMs: OPEN_MS,
      endMs: lastMs,
      order: "asc",
      limit: 10,
      from: null,
    };
    const pages = readPages(scan, (_symbol, ts) => (ts === lastMs ? bar : undefined));
    expect(pages.map(({ points }) => points.length)).toEqual([0, 0, 1]);
    expect(pages.at(-1)?.points).toEqual([`A ${lastMs}`]);
  });
});
