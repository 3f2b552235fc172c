import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { canonicalSymbol, canonicalSymbols } from "../../../src/domain/canonical-symbol.ts";
import { fnv1a32, isCanonicalSymbol } from "../../../src/domain/symbol.ts";
import { fromFinnhubSymbol, toFinnhubSymbol } from "../../../src/providers/finnhub/map.ts";
import { fromPolygonTicker, toPolygonTicker } from "../../../src/providers/polygon/map.ts";

const universeFile = join(
  process.env["MDS_SHARED"] ?? "../shared",
  "data/universe/us_equities.csv",
);
const hasUniverse = existsSync(universeFile);
if (!hasUniverse) {
  const reason = `skipped: no universe at ${universeFile} (set MDS_SHARED)`;
  if (process.env["REQUIRE_ALL"] === "1") throw new Error(reason);
  console.warn(reason);
}

const letters = fc.stringMatching(/^[A-Z]{1,6}$/);
const suffix = fc.constantFrom("", ".A", ".W", ".WS", ".R", ".U", ".V", "$", "$L", "^B", "$A.W");
const listed = fc.tuple(letters, suffix).map(([root, rest]) => root + rest);

describe("canonical symbols", () => {
  it.each([
    ["BRK.B", "BRK.B"],
    ["BRK/B", "BRK.B"],
    ["BRK-B", "BRK.B"],
    ["BAC$L", "BAC.PRL"],
    ["BAC^L", "BAC.PRL"],
    ["BAC.PRL", "BAC.PRL"],
    ["KIM$", "KIM.PR"],
    ["ACHR.W", "ACHR.WS"],
    ["RAC.WS", "RAC.WS"],
    ["AIIA.R", "AIIA.RT"],
    ["AIIA.U", "AIIA.U"],
    ["MKC.V", "MKC.V"],
    ["ABC.A.W", "ABC.A.WS"],
    ["R", "R"],
    ["W", "W"],
    ["brk.b", null],
    ["BACpL", null],
    ["00507V109", null],
    ["SPAK_DELISTED", null],
    ["TOOLONGX", null],
    ["", null],
    ["A..B", null],
  ])("of %s is %s", (spelling, symbol) => {
    expect(canonicalSymbol(spelling)).toBe(symbol);
  });

  it("are canonical, and map to themselves", () => {
    fc.assert(
      fc.property(listed, (spelling) => {
        const symbol = canonicalSymbol(spelling);
        expect(symbol !== null && isCanonicalSymbol(symbol)).toBe(true);
        expect(canonicalSymbol(symbol ?? "")).toBe(symbol);
      }),
    );
  });

  it("do not depend on the order of the list, nor on rows that stand twice", () => {
    fc.assert(
      fc.property(fc.array(listed, { maxLength: 30 }), fc.integer(), (list, seed) => {
        const other = [...list, ...list].sort((a, b) => fnv1a32(a + seed) - fnv1a32(b + seed));
        const one = canonicalSymbols(list);
        const two = canonicalSymbols(other);
        expect(Object.fromEntries(two.spellings)).toEqual(Object.fromEntries(one.spellings));
        expect(two.collisions.length).toBe(one.collisions.length);
      }),
    );
  });

  it("report two spellings of one security and keep the canonical one", () => {
    const { spellings, collisions, unmappable } = canonicalSymbols(["RAC.W", "A", "RAC.WS", "x"]);
    expect([...spellings]).toEqual([
      ["RAC.WS", "RAC.WS"],
      ["A", "A"],
    ]);
    expect(collisions).toEqual([{ symbol: "RAC.WS", kept: "RAC.WS", dropped: "RAC.W" }]);
    expect(unmappable).toEqual(["x"]);
    expect(canonicalSymbols(["B^L", "B$L"]).collisions).toEqual([
      { symbol: "B.PRL", kept: "B$L", dropped: "B^L" },
    ]);
  });

  it.skipIf(!hasUniverse)("of the 12,722 listed rows are 12,721, with one collision", () => {
    const rows = readFileSync(universeFile, "utf8").trimEnd().split("\n").slice(1);
    const spelled = rows.map((row) => row.slice(0, row.indexOf(",")));
    const { spellings, collisions, unmappable } = canonicalSymbols(spelled);
    expect(spelled).toHaveLength(12_722);
    expect(spellings.size).toBe(12_721);
    expect(collisions).toEqual([{ symbol: "RAC.WS", kept: "RAC.WS", dropped: "RAC.W" }]);
    expect(unmappable).toEqual([]);
    for (const symbol of ["NA", "NAN", "ON", "E", "CON"]) expect(spellings.has(symbol)).toBe(true);
  });
});

describe("symbols at a provider", () => {
  it("are not asked of polygon where their ticker is unproven, but are read", () => {
    expect(["BRK.B", "ABC.WS", "ABC.U"].map(toPolygonTicker)).toEqual(["BRK.B", "ABC.WS", "ABC.U"]);
    expect(["BAC.PRL", "KIM.PR", "AIIA.RT"].map(toPolygonTicker)).toEqual([null, null, null]);
    expect(["BACpL", "KIMp", "BRK.B", "ABCw"].map(fromPolygonTicker)).toEqual([
      "BAC.PRL",
      "KIM.PR",
      "BRK.B",
      null,
    ]);
  });

  it("are asked of finnhub only where a suffix can't be another country's exchange", () => {
    expect(["AAPL", "BRK.B"].map(toFinnhubSymbol)).toEqual(["AAPL", "BRK.B"]);
    const unproven = ["MKC.V", "KIM.PR", "BAC.PRL", "ABC.WS", "ABC.U", "AIIA.RT"];
    expect(unproven.map(toFinnhubSymbol)).toEqual(unproven.map(() => null));
    expect(fromFinnhubSymbol("BRK.B")).toBe("BRK.B");
  });

  it("come back as they went out", () => {
    fc.assert(
      fc.property(listed, (spelling) => {
        const symbol = canonicalSymbol(spelling) ?? "";
        const ticker = toPolygonTicker(symbol);
        if (ticker !== null) expect(fromPolygonTicker(ticker)).toBe(symbol);
        const finnhub = toFinnhubSymbol(symbol);
        if (finnhub !== null) expect(fromFinnhubSymbol(finnhub)).toBe(symbol);
      }),
    );
  });
});
