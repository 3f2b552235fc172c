import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { ListedSymbol } from "../../dev/market/market.ts";
import type { TaskOf } from "../../src/contracts/tasks.ts";
import { tradingDateOf } from "../../src/domain/new-york-time.ts";
import { groupOf } from "../../src/domain/symbol.ts";
import { DAY_MS } from "../../src/domain/time.ts";
import { type ApplyDeps, applyRefresh, storedVolumes } from "../../src/ingest/apply-refresh.ts";
import { refreshFromProviders } from "../../src/ingest/refresh-from-providers.ts";
import { readPins, unknownSymbols, writePins } from "../../src/postgres/override-store.ts";
import { readUniverseAsOf, readUniverseChanges } from "../../src/postgres/universe-reads.ts";
import { readUniverse, writeUniverse } from "../../src/postgres/universe-refresh-store.ts";
import { loadGroupMembers } from "../../src/postgres/universe-store.ts";
import { storeDailyBars } from "../support/daily-volumes.ts";
import { CALENDAR } from "../support/naive-group.ts";
import { OPEN_MS, type RunningSandbox, startTestSandbox } from "../support/running-sandbox.ts";
import { startTestDatabase, type TestDatabase } from "../support/test-database.ts";
import { listing, listOf } from "../support/universe.ts";
import { hasUniverseFiles, shuffledDirectory } from "../support/universe-files.ts";
import { grantingBreaker, universeDeps } from "../support/universe-world.ts";

const LISTS: TaskOf<"universe"> = {
  v: 1,
  type: "universe",
  duty: "task:universe:t",
  scope: "lists",
};
const TIERS = { ...LISTS, scope: "tiers" } as const;
/** Sessions before the one of `OPEN_MS`. */
const DATES = ["2026-03-13", "2026-03-16", "2026-03-17", "2026-03-18", "2026-03-19"];
const CHANGES = { asOfMs: OPEN_MS + 9 * DAY_MS, symbol: null, limit: 20_000 };

let test: TestDatabase;
let sandbox: RunningSandbox;
let listed: readonly ListedSymbol[] = [];
beforeAll(async () => {
  sandbox = await startTestSandbox({ listing: () => listed });
  test = await startTestDatabase();
});
afterAll(async () => {
  await sandbox.stop();
  await test.stop();
});
beforeEach(async () => {
  await test.database.query("truncate symbol_universe, universe_refreshes cascade");
  await test.database.query("truncate universe_listing_cursor cascade");
  await test.database.query("truncate candles_daily");
});

describe.skipIf(!hasUniverseFiles())("the directory of US equities", () => {
  it("comes in whole without test issues, gets tiers, and changes nothing when it comes again", async () => {
    const deps = universeDeps(test.sql, sandbox.url, () => OPEN_MS);
    listed = shuffledDirectory(1);
    const outcome = await refreshFromProviders(LISTS, deps);
    expect(outcome).toMatchObject({ failures: [], done: true });
    expect(outcome.selected.toSorted()).toEqual(["alpaca", "finnhub", "polygon"]);
    const first = await readUniverse(test.sql);
    expect(first.version).toBe(1);
    expect(first.rows).toHaveLength(12_721);
    const symbols = new Set(first.rows.map(({ symbol }) => symbol));
    for (const symbol of ["NA", "NAN", "ON", "E", "CON", "RAC.WS", "BAC.PRL"])
      expect(symbols.has(symbol), symbol).toBe(true);
    expect(symbols.has("ZVZZT") || symbols.has("RAC.W")).toBe(false);
    expect(first.rows.every(({ tier, active }) => tier === "T2" && active)).toBe(true);

    const traded = [...symbols].slice(0, 8_000);
    const shares = new Map(traded.map((symbol, rank) => [symbol, 1e6 - rank]));
    await storeDailyBars(test.database, DATES, shares);
    await refreshFromProviders(TIERS, deps);
    const placed = await readUniverse(test.sql);
    const sizes = Map.groupBy(placed.rows, ({ tier }) => tier);
    expect([sizes.get("T0")?.length, sizes.get("T1")?.length]).toEqual([500, 2_500]);
    expect(placed.version).toBe(2);

    listed = shuffledDirectory(2);
    await refreshFromProviders(LISTS, deps);
    expect(await readUniverse(test.sql)).toEqual(placed);
  });
});

const named = (...symbols: string[]) =>
  symbols.map((symbol) => ({ symbol, name: symbol, exchange: "XNAS", type: "COMMON" }));

describe("a list that a slow key reads in pieces", () => {
  it("goes on where it stood, and is complete only at its end", async () => {
    const names = Array.from({ length: 2_600 }, (_, index) => `${letters(index)}`);
    listed = named(...names);
    const credits = { left: 2 };
    const deps = universeDeps(test.sql, sandbox.url, () => OPEN_MS, {
      breaker: () => grantingBreaker(credits),
    });
    const polygonOnly = { ...deps, providers: deps.providers.filter(({ id }) => id === "polygon") };
    const first = await refreshFromProviders(LISTS, polygonOnly);
    expect(first).toMatchObject({ done: false, failures: [{ kind: "no_credits" }] });
    expect((await readUniverse(test.sql)).rows).toHaveLength(2_000);
    expect(await refreshFromProviders(LISTS, polygonOnly)).toMatchObject({ done: false });
    credits.left = 1;
    expect(await refreshFromProviders(LISTS, polygonOnly)).toMatchObject({ done: true });
    expect((await readUniverse(test.sql)).rows).toHaveLength(2_600);
    expect(
      await test.database.query("select count(*)::integer as n from universe_listing"),
    ).toEqual([{ n: 0 }]);
  });

  it("is not asked of a provider that an operator holds back", async () => {
    listed = named("A");
    const isolated = universeDeps(test.sql, sandbox.url, () => OPEN_MS, {
      breaker: () => grantingBreaker({ left: 10 }, { state: "isolated", h: 0.5 }),
    });
    const outcome = { calls: [], selected: [], failures: [], done: true };
    expect(await refreshFromProviders(LISTS, isolated)).toEqual(outcome);
    expect((await readUniverse(test.sql)).rows).toEqual([]);
  });

  it("comes again when a provider is away, and when a group has not heard of the universe", async () => {
    listed = named("A");
    const deps = universeDeps(test.sql, sandbox.url, () => OPEN_MS);
    sandbox.setFault("finnhub", "html_502");
    expect(await refreshFromProviders(LISTS, deps)).toMatchObject({
      done: false,
      failures: [{ provider: "finnhub", kind: "unavailable" }],
    });
    sandbox.setFault("finnhub", null);
    const deaf = { ...deps, push: async () => false };
    expect(await refreshFromProviders(LISTS, deaf)).toMatchObject({ done: false, failures: [] });
    expect(await refreshFromProviders(LISTS, deps)).toMatchObject({ done: true });
  });
});

describe("versions", () => {
  it("give back the universe as of any time, with what changed", async () => {
    const at = (index: number) => OPEN_MS + index * DAY_MS;
    const apply = async (index: number, symbols: readonly string[], figi = "BBG1") =>
      await applyRefresh(applyDeps(at(index)), [
        listOf(
          "polygon",
          symbols.map((symbol) => listing(symbol, { figi: `${figi}${symbol}` })),
        ),
      ]);
    await apply(0, ["A", "B", "C"]);
    for (const index of [1, 2, 3]) await apply(index, ["A", "B"]);
    await apply(4, ["A", "B", "C"], "BBG2");
    const known = async (asOfMs: number) =>
      (await readUniverseAsOf(test.sql, { asOfMs, tier: null, after: "", limit: 10 })).map(
        ({ symbol }) => symbol,
      );
    expect(await known(at(0) - 1)).toEqual([]);
    expect(await known(at(0))).toEqual(["A", "B", "C"]);
    expect(await known(at(2))).toEqual(["A", "B", "C"]);
    expect(await known(at(3))).toEqual(["A", "B"]);
    expect(await known(at(4))).toEqual(["A", "B", "C"]);
    const changes = await readUniverseChanges(test.sql, {
      ...CHANGES,
      after: { version: 2, symbol: "" },
    });
    expect(changes.map(({ version, symbol, kinds }) => [version, symbol, kinds])).toEqual([
      [2, "C", ["removed"]],
      [3, "A", ["details", "reused"]],
      [3, "B", ["details", "reused"]],
      [3, "C", ["returned", "details", "reused"]],
    ]);
    expect(changes[1]).toMatchObject({ figi: "BBG2A", figiBefore: "BBG1A", date: "2026-03-24" });
    expect(await loadGroupMembers(test.sql, groupOf("A", 32))).toEqual([
      { symbol: "A", sid: 1, tier: "T2", reusedOn: "2026-03-24" },
    ]);
  });

  it("are refused to a refresh that was computed from an older one, whole", async () => {
    const write = { symbolGroups: 32, nowMs: OPEN_MS, date: tradingDateOf(OPEN_MS) };
    const deps = applyDeps(OPEN_MS);
    const { rows, changes } = await applyRefresh(deps, [listOf("alpaca", [listing("A")])]);
    const before = await readUniverse(test.sql);
    const stale = rows.map((row) => ({ ...row, name: "stale" }));
    expect(
      await writeUniverse(test.sql, { ...write, version: 0, rows: stale, changes }),
    ).toBeNull();
    expect(await readUniverse(test.sql)).toEqual(before);
  });

  it("are none while a group would grow beyond its bound: nothing is written", async () => {
    const names = Array.from({ length: 1_001 }, (_, index) => listing(letters(index)));
    const deps = applyDeps(OPEN_MS);
    await expect(
      applyRefresh({ ...deps, symbolGroups: 1 }, [listOf("alpaca", names)]),
    ).rejects.toThrow(
      "1001 symbols are too many for 1 groups: g00 would have 1001, of at most 1000",
    );
    expect(await readUniverse(test.sql)).toEqual({ version: 0, rows: [] });
  });
});

describe("pins", () => {
  it("replace all earlier ones and take effect with the next refresh", async () => {
    const deps = applyDeps(OPEN_MS);
    await applyRefresh(deps, [listOf("alpaca", [listing("A"), listing("B")])]);
    await writePins(
      test.sql,
      new Map([
        ["A", "T0"],
        ["B", "T1"],
      ]),
      OPEN_MS,
    );
    const pinned = await applyRefresh(deps, []);
    expect(pinned.rows.map(({ tier }) => tier)).toEqual(["T0", "T1"]);
    await writePins(test.sql, new Map([["A", "T1"]]), OPEN_MS);
    expect(await readPins(test.sql)).toEqual(new Map([["A", "T1"]]));
    expect(await unknownSymbols(test.sql, ["A", "X", "B"])).toEqual(["X"]);
  });
});

function applyDeps(nowMs: number): ApplyDeps {
  const volumes = () => storedVolumes(test.sql, CALENDAR, nowMs);
  return { sql: test.sql, symbolGroups: 32, nowMs, volumes };
}

/** A symbol of four letters by its number. */
function letters(index: number): string {
  const digits = [17_576, 676, 26, 1].map((place) => Math.floor(index / place) % 26);
  return String.fromCharCode(...digits.map((digit) => 65 + digit));
}
