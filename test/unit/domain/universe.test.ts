import { describe, expect, it } from "vitest";
import type { UniverseRow } from "../../../src/domain/universe-row.ts";
import { changesOf, listing, listOf, refresh } from "../../support/universe.ts";

const DATES = ["2026-03-20", "2026-03-23", "2026-03-24", "2026-03-25", "2026-03-26"] as const;
const ALL = [listing("A"), listing("B"), listing("C"), listing("D")];
const WITHOUT_D = ALL.slice(0, 3);

function rowOf(rows: readonly UniverseRow[], symbol: string): UniverseRow {
  const row = rows.find((candidate) => candidate.symbol === symbol);
  if (row === undefined) throw new Error(`${symbol} is not in the universe`);
  return row;
}

describe("the union of lists", () => {
  it("has what any provider lists, with the details of the first in the fixed order", () => {
    const { rows } = refresh({
      listings: [
        listOf("alpaca", [listing("A", { name: "Agilent (alpaca)" }), listing("B")]),
        listOf("polygon", [listing("A", { name: "Agilent", type: "COMMON", figi: "BBG1" })]),
      ],
    });
    expect(rows.map(({ symbol, sid }) => [symbol, sid])).toEqual([
      ["A", 1],
      ["B", 2],
    ]);
    expect(rowOf(rows, "A")).toMatchObject({ name: "Agilent", figi: "BBG1", source: "polygon" });
    expect(rowOf(rows, "B")).toMatchObject({ name: "B", exchange: "XXXX", type: "OTHER" });
  });

  it("keeps a name while the provider that gave it is away, and takes what was not known", () => {
    const first = refresh({ listings: [listOf("polygon", [listing("A", { name: "Agilent" })])] });
    const other = listing("A", { name: "AGILENT TECH", type: "COMMON" });
    const second = refresh({ rows: first.rows, listings: [listOf("finnhub", [other])] });
    expect(rowOf(second.rows, "A")).toMatchObject({ name: "Agilent", type: "COMMON" });
    expect(changesOf(second)).toEqual(["A details"]);
  });

  it("counts two spellings of a symbol once and reports them, across pages too", () => {
    const rac = { symbol: "RAC.WS", kept: "RAC.WS", dropped: "RAC.W" };
    const spelled = [listing("RAC.WS", { listedAs: "RAC.W" }), listing("RAC.WS")];
    const { rows, merged } = refresh({
      listings: [
        listOf("polygon", spelled),
        listOf("alpaca", [listing("RAC.WS")], { collisions: [rac] }),
      ],
    });
    expect(rows).toHaveLength(1);
    expect(merged.collisions).toEqual([rac]);
  });

  it("leaves out a symbol that any provider names a test issue, and one that is reserved", () => {
    const named = [listing("QQZ", { name: "NASDAQ TEST STOCK" })];
    const real = listing("AEHR", { name: "Aehr Test Systems - Common Stock" });
    const { rows, merged } = refresh({
      listings: [
        listOf("alpaca", [listing("QQZ"), listing("ZVZZT"), real]),
        listOf("polygon", named),
      ],
    });
    expect(rows.map(({ symbol }) => symbol)).toEqual(["AEHR"]);
    expect(merged.testIssues).toEqual(["QQZ", "ZVZZT"]);
  });
});

describe("a symbol that is on no list", () => {
  const before = refresh({ listings: [listOf("alpaca", ALL)] }).rows;

  /** Refreshes once for each list, on the given dates; the changes of each. */
  function days(lists: readonly (readonly [date: string, complete: boolean])[]): string[][] {
    let rows = before;
    return lists.map(([date, complete]) => {
      const next = refresh({ rows, date, listings: [listOf("alpaca", WITHOUT_D, { complete })] });
      rows = next.rows;
      return changesOf(next);
    });
  }

  it("leaves on the third date, not before", () => {
    const [, one, two, three, four] = DATES;
    expect(days([one, two, three, four].map((date) => [date, true]))).toEqual([
      [],
      [],
      ["D removed"],
      [],
    ]);
  });

  it("is counted once a date", () => {
    const [, one] = DATES;
    expect(days([one, one, one, one].map((date) => [date, true])).flat()).toEqual([]);
  });

  it("is not counted by a list that was cut", () => {
    expect(days(DATES.map((date) => [date, false])).flat()).toEqual([]);
  });

  it("is counted again from the start when a list has it in between", () => {
    const [, one, two, three, four] = DATES;
    let rows = before;
    for (const [date, listed] of [
      [one, WITHOUT_D],
      [two, WITHOUT_D],
      [three, ALL],
      [four, WITHOUT_D],
    ] as const)
      rows = refresh({ rows, date, listings: [listOf("alpaca", listed)] }).rows;
    expect(rowOf(rows, "D")).toMatchObject({ active: true, absences: 1 });
  });

  it("stays when another provider has it, even in a list that was cut", () => {
    let rows = before;
    for (const date of DATES) {
      const cut = listOf("polygon", [listing("D")], { complete: false });
      rows = refresh({ rows, date, listings: [listOf("alpaca", WITHOUT_D), cut] }).rows;
    }
    expect(rowOf(rows, "D")).toMatchObject({ active: true, absences: 0 });
  });

  it("stays when the list is far too short to be whole", () => {
    let rows = before;
    for (const date of DATES) {
      rows = refresh({ rows, date, listings: [listOf("alpaca", [])] }).rows;
      rows = refresh({ rows, date, listings: [listOf("alpaca", [listing("A")])] }).rows;
    }
    expect(rows.every(({ active }) => active)).toBe(true);
  });

  it("comes back with its number when it is listed again", () => {
    let rows = before;
    for (const date of DATES.slice(1))
      rows = refresh({ rows, date, listings: [listOf("alpaca", WITHOUT_D)] }).rows;
    expect(rowOf(rows, "D").active).toBe(false);
    const back = refresh({ rows, date: "2026-04-01", listings: [listOf("alpaca", ALL)] });
    expect(changesOf(back)).toEqual(["D returned"]);
    expect(rowOf(back.rows, "D").sid).toBe(rowOf(before, "D").sid);
  });
});

describe("a FIGI under another symbol", () => {
  const old = [listing("FB", { figi: "BBG1" }), listing("KO", { figi: "BBG2" })];
  const now = [listing("META", { figi: "BBG1" }), listing("KO", { figi: "BBG2" })];
  const before = refresh({
    listings: [listOf("polygon", old)],
    volumes: new Map([["FB", 9e9]]),
  }).rows;
  const date = "2026-03-23";

  it("is a rename: the old symbol leaves at once, the new one says who it was and keeps its tier", () => {
    const next = refresh({ rows: before, date, listings: [listOf("polygon", now)] });
    expect(changesOf(next)).toEqual(["FB removed", "META added+renamed"]);
    expect(rowOf(next.rows, "META")).toMatchObject({ renamedFrom: "FB", tier: "T0", sid: 3 });
    const volumes = new Map([["FB", 9e9]]);
    const again = refresh({ rows: next.rows, date, volumes, listings: [listOf("polygon", now)] });
    expect(changesOf(again)).toEqual([]);
  });

  it("is a rename although another provider still lists the old symbol, every day", () => {
    const lists = [listOf("polygon", now), listOf("alpaca", [listing("FB"), listing("META")])];
    const next = refresh({ rows: before, date, listings: lists });
    expect(changesOf(next)).toEqual(["FB removed", "META added+renamed"]);
    expect(changesOf(refresh({ rows: next.rows, date: "2026-03-24", listings: lists }))).toEqual(
      [],
    );
  });

  it("is no rename while the list is not whole, or has both symbols", () => {
    const cut = listOf("polygon", now, { complete: false });
    expect(changesOf(refresh({ rows: before, date, listings: [cut] }))).toEqual(["META added"]);
    const both = listOf("polygon", [...now, listing("FB", { figi: "BBG1" })]);
    expect(changesOf(refresh({ rows: before, date, listings: [both] }))).toEqual(["META added"]);
  });

  it("is no rename when another provider gives it: FIGIs are compared within one", () => {
    const finnhub = listOf("finnhub", [listing("META", { figi: "BBG1" }), listing("KO")]);
    expect(changesOf(refresh({ rows: before, date, listings: [finnhub] }))).toEqual(["META added"]);
  });

  it("is no rename when it stands at two symbols", () => {
    const shared = listOf("polygon", [...now, listing("FBX", { figi: "BBG1" })]);
    const next = refresh({ rows: before, date, listings: [shared] });
    expect(changesOf(next)).toEqual(["FBX added", "META added"]);
  });

  it("is no reuse when another provider gives another one", () => {
    const finnhub = listOf("finnhub", [listing("FB", { figi: "BBG8" }), listing("KO")]);
    expect(changesOf(refresh({ rows: before, date, listings: [finnhub] }))).toEqual([]);
  });

  it("and another FIGI under the old symbol is a rename and a reuse", () => {
    const reused = [...now, listing("FB", { figi: "BBG9", name: "ProShares" })];
    const volumes = new Map([["FB", 9e9]]);
    const next = refresh({ rows: before, date, volumes, listings: [listOf("polygon", reused)] });
    expect(changesOf(next)).toEqual(["FB tier+name+details+reused", "META added+renamed"]);
    expect(rowOf(next.rows, "FB")).toMatchObject({ sid: 1, firstSeen: date, reusedOn: date });
    expect(rowOf(next.rows, "META")).toMatchObject({ tier: "T0", renamedFrom: "FB" });
  });
});

it("gives a re-used symbol none of the volume of the other security on that day", () => {
  const before = refresh({
    listings: [listOf("polygon", [listing("FB", { figi: "BBG1" })])],
    volumes: new Map([["FB", 9e9]]),
  });
  expect(rowOf(before.rows, "FB").tier).toBe("T0");
  const next = refresh({
    rows: before.rows,
    date: "2026-03-23",
    listings: [listOf("polygon", [listing("FB", { figi: "BBG9" })])],
    volumes: new Map([["FB", 9e9]]),
  });
  expect(rowOf(next.rows, "FB")).toMatchObject({ tier: "T2", volume: null });
});

it("takes the first volumes as they are, and moves nobody by a part of them later", () => {
  const names = Array.from({ length: 500 }, (_, index) => `S${index}`);
  const { rows } = refresh({
    listings: [
      listOf(
        "alpaca",
        names.map((name) => listing(name)),
      ),
    ],
  });
  expect(rows.every(({ tier }) => tier === "T2")).toBe(true);
  const all = refresh({ rows, volumes: new Map(names.map((name) => [name, 1e6])) });
  expect(all.rows.every(({ tier }) => tier === "T0")).toBe(true);
  const part = new Map(names.slice(0, 249).map((name) => [name, 1e6]));
  expect(changesOf(refresh({ rows: all.rows, volumes: part }))).toEqual([]);
});

it("moves nobody while no daily bars are known, but obeys pins", () => {
  const listings = [listOf("alpaca", ALL)];
  const volumes = new Map(ALL.map(({ symbol }) => [symbol, 1e6]));
  const { rows } = refresh({ listings, volumes });
  expect(rows.map(({ tier }) => tier)).toEqual(["T0", "T0", "T0", "T0"]);
  const pinned = refresh({ rows, pins: new Map([["B", "T2"]]) });
  expect(pinned.rows.map(({ tier }) => tier)).toEqual(["T0", "T2", "T0", "T0"]);
  expect(changesOf(pinned)).toEqual(["B tier"]);
});
