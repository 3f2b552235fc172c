import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { loadCsvMarket } from "../../../dev/market/csv-market.ts";

const bars = join(process.env["MDS_SHARED"] ?? "../shared", "data", "bars");
const hasData = existsSync(bars);
if (!hasData) {
  const reason = `skipped: the real bars are not at ${bars} (set MDS_SHARED)`;
  if (process.env["REQUIRE_ALL"] === "1") throw new Error(reason);
  console.warn(reason);
}

describe.skipIf(!hasData)("a market of real bars", () => {
  it("has the whole session of 43 symbols", () => {
    const market = loadCsvMarket(join(bars, "us43_1m_2026-03-20.csv"));
    expect(market.barCount).toBe(16_750);
    expect(market.symbols).toHaveLength(43);
    expect(market.dates).toEqual(["2026-03-20"]);
    expect(market.bar("AAPL", Date.parse("2026-03-20T13:30:00Z"))).toEqual({
      o: 248.11,
      h: 248.73,
      l: 247.06,
      c: 248.31,
      v: 18_062_366,
    });
    expect(market.bar("AAPL", Date.parse("2026-03-20T20:00:00Z"))).toBeUndefined();
    expect(market.bar("NOPE", Date.parse("2026-03-20T13:30:00Z"))).toBeUndefined();
  });

  it("has the thin file's 14 dates, without the closure of 2025-01-09", () => {
    const market = loadCsvMarket(join(bars, "sparse_etf_dbb_fxy_closures_1m.csv"));
    expect(market.barCount).toBe(3_227);
    expect(market.dates).toHaveLength(14);
    expect(market.dates).not.toContain("2025-01-09");
  });

  it("reads a gzipped file", () => {
    const market = loadCsvMarket(join(bars, "us24_1m_2019-02-13.csv.gz"));
    expect(market.barCount).toBe(8_604);
    expect(market.symbols).toHaveLength(24);
    expect(market.dates).toEqual(["2019-02-13"]);
  });
});

describe("a file of bars", () => {
  const folder = mkdtempSync(join(tmpdir(), "csv-market-"));
  afterAll(() => rmSync(folder, { recursive: true }));

  function load(...lines: string[]): ReturnType<typeof loadCsvMarket> {
    const file = join(folder, "bars.csv");
    writeFileSync(file, ["symbol,t_utc,o,h,l,c,v", ...lines, ""].join("\n"));
    return loadCsvMarket(file);
  }

  it("keeps NA, ON and NAN as symbols", () => {
    const rows = ["NA", "ON", "NAN"].map((symbol) => `${symbol},2026-03-20T13:30:00Z,1,2,1,2,10`);
    expect(load(...rows).symbols.map(({ symbol }) => symbol)).toEqual(["NA", "NAN", "ON"]);
  });

  it.each([
    ["a missing field", "AAPL,2026-03-20T13:31:00Z,1,2,1,2", /line 3: not 7 fields/],
    ["a field too many", "AAPL,2026-03-20T13:31:00Z,1,2,1,2,3,4", /line 3: not 7 fields/],
    ["text for a number", "AAPL,2026-03-20T13:31:00Z,1,NaN,1,2,3", /line 3: h is not a decimal/],
    ["seconds in the time", "AAPL,2026-03-20T13:31:01Z,1,2,1,2,3", /line 3: t_utc/],
    ["a date that is none", "AAPL,2026-13-20T13:31:00Z,1,2,1,2,3", /line 3: t_utc/],
    ["a lower-case symbol", "aapl,2026-03-20T13:31:00Z,1,2,1,2,3", /line 3: not a symbol/],
    ["an open above the high", "AAPL,2026-03-20T13:31:00Z,3,2,1,2,3", /line 3: low <= open/],
    ["the same bar twice", "AAPL,2026-03-20T13:30:00Z,1,2,1,2,3", /line 3: a second bar/],
    ["an empty line inside", "\nAAPL,2026-03-20T13:31:00Z,1,2,1,2,3", /line 3: not 7 fields/],
  ])("is refused by line number for %s", (_name, line, reason) => {
    expect(() => load("AAPL,2026-03-20T13:30:00Z,1,2,1,2,3", line)).toThrow(reason);
  });

  it("is refused without its header", () => {
    const file = join(folder, "headless.csv");
    writeFileSync(file, "AAPL,2026-03-20T13:30:00Z,1,2,1,2,3\n");
    expect(() => loadCsvMarket(file)).toThrow(/line 1: the header/);
  });
});
