import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { ListedSymbol } from "../../../dev/market/market.ts";
import { shuffleListing, spellListing } from "../../../dev/market/symbol-listing.ts";
import { canonicalOf, spellingOf } from "../../../dev/market/symbology.ts";
import { loadUniverseFile } from "../../../dev/market/universe-file.ts";
import { isCanonicalSymbol } from "../../../src/domain/symbol.ts";

const folder = join(process.env["MDS_SHARED"] ?? "../shared", "data/universe");
const hasFolder = existsSync(folder);
if (!hasFolder) {
  const reason = `skipped: no universe files in ${folder} (set MDS_SHARED)`;
  if (process.env["REQUIRE_ALL"] === "1") throw new Error(reason);
  console.warn(reason);
}

function listed(symbol: string): ListedSymbol {
  return { symbol, name: symbol, exchange: "XNYS", type: "COMMON" };
}

describe("the providers' spelling", () => {
  it.each([
    ["BRK.B", "BRK.B", "BRK.B"],
    ["BAC$L", "BACpL", "BAC.PRL"],
    ["BAC.PRL", "BACpL", "BAC.PRL"],
    ["KIM$", "KIMp", "KIM.PR"],
    ["RAC.W", "RAC.WS", "RAC.WS"],
    ["RAC.U", "RAC.U", "RAC.U"],
    ["ABC.R", "ABC.RT", "ABC.RT"],
    ["NA", "NA", "NA"],
  ])("of %s is %s with Polygon and %s with the others", (symbol, polygon, others) => {
    expect(spellingOf("polygon", symbol)).toBe(polygon);
    expect(spellingOf("alpaca", symbol)).toBe(others);
    expect(spellingOf("finnhub", symbol)).toBe(others);
    expect(canonicalOf(symbol)).toBe(others);
  });

  it("is never the same for two rows: the directory's stays where it would be", () => {
    const rows = spellListing("alpaca", [listed("RAC.W"), listed("RAC.WS"), listed("ABC.W")]);
    expect(rows.map(({ spelled }) => spelled)).toEqual(["RAC.W", "RAC.WS", "ABC.WS"]);
    expect(rows[0]?.figi).toBe(rows[1]?.figi);
    expect(rows[2]?.figi).not.toBe(rows[1]?.figi);
  });
});

describe("a shuffled listing", () => {
  const symbols = Array.from({ length: 500 }, (_, index) => listed(`S${index}`));

  it("has every row, some twice, in an order of its seed", () => {
    const rows = shuffleListing(symbols, { seed: 1, repeatRate: 0.1 });
    expect(new Set(rows)).toEqual(new Set(symbols));
    expect(rows.length).toBeGreaterThan(520);
    expect(rows.length).toBeLessThan(600);
    expect(rows.slice(0, 20)).not.toEqual(symbols.slice(0, 20));
    expect(shuffleListing(symbols, { seed: 1, repeatRate: 0.1 })).toEqual(rows);
    expect(shuffleListing(symbols, { seed: 2, repeatRate: 0.1 })).not.toEqual(rows);
  });
});

describe.skipIf(!hasFolder)("the directory of US equities", () => {
  it("reads as text, and is 12,721 canonical symbols of 12,722 rows", () => {
    const rows = loadUniverseFile(join(folder, "us_equities.csv"));
    expect(rows.length).toBe(12_722);
    const canonical = new Set(rows.map(({ symbol }) => canonicalOf(symbol)));
    expect(canonical.size).toBe(12_721);
    expect([...canonical].filter((symbol) => !isCanonicalSymbol(symbol))).toEqual([]);
    for (const symbol of ["NA", "NAN", "ON", "E", "CON"]) expect(canonical.has(symbol)).toBe(true);
    expect(rows[0]).toEqual({
      symbol: "A",
      name: "Agilent Technologies, Inc. Common Stock",
      exchange: "XNYS",
      type: "COMMON",
    });
    for (const provider of ["polygon", "alpaca", "finnhub"] as const) {
      const spelled = spellListing(provider, rows).map((row) => row.spelled);
      expect(new Set(spelled).size).toBe(12_722);
      expect(spelled.filter((symbol) => symbol.includes("$"))).toEqual([]);
    }
  });

  it("shares no symbol with the test issues", () => {
    const rows = loadUniverseFile(join(folder, "us_equities.csv"));
    const known = new Set(rows.map(({ symbol }) => symbol));
    const tests = loadUniverseFile(join(folder, "test_symbols.csv"));
    expect(tests.length).toBe(33);
    expect(tests.filter(({ symbol }) => known.has(symbol))).toEqual([]);
  });
});
