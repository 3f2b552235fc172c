import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Split } from "../../src/domain/split.ts";
import { splitFactor } from "../../src/domain/split.ts";
import { DAY_MS, toIso } from "../../src/domain/time.ts";
import {
  lastSplitsRead,
  readSplits,
  type SplitsWrite,
  storeSplits,
} from "../../src/postgres/splits-store.ts";
import { type ActionQuery, readActions } from "../../src/postgres/action-reads.ts";
import { readSplitsFrom } from "../../src/ingest/read-splits.ts";
import { createPolygon } from "../../src/providers/polygon/index.ts";
import { KEYS, OPEN_MS, startTestSandbox } from "../support/running-sandbox.ts";
import { universeDeps } from "../support/universe-world.ts";
import { startTestDatabase, type TestDatabase } from "../support/test-database.ts";

const NOW_MS = Date.parse("2026-03-20T11:10:00Z");
const WINDOW = { from: "2026-03-01", through: "2026-04-19" };
const NVDA: Split = { symbol: "NVDA", exDate: "2026-03-23", from: 1, to: 4 };
const BRW: Split = { symbol: "BRW", exDate: "2026-03-05", from: 10, to: 1 };

let test: TestDatabase;
beforeAll(async () => {
  test = await startTestDatabase();
});
afterAll(async () => {
  await test.stop();
});
beforeEach(async () => {
  await test.database.query("truncate corporate_actions, corporate_actions_revisions");
  await test.database.query("truncate corporate_action_reads, group_cursor");
});

const write = (splits: readonly Split[], atMs: number, change: Partial<SplitsWrite> = {}) =>
  storeSplits(test.sql, {
    source: "polygon",
    ...WINDOW,
    splits,
    askedAtMs: atMs,
    nowMs: atMs + 500,
    ...change,
  });
const known = async (asOfMs: number, symbols = ["BRW", "NVDA"]) =>
  (await readSplits(test.sql, symbols, asOfMs)).map(
    ({ symbol, exDate, factor }) => `${symbol} ${exDate} ${factor}`,
  );
const revisions = () =>
  test.database.query(
    `select symbol, factor, cancelled, revision from corporate_actions_revisions order by symbol, as_of`,
  );

describe("a list of splits", () => {
  it("is known from its knowledge time on, and the same one again changes nothing", async () => {
    expect(await write([NVDA, BRW], NOW_MS)).toEqual({ put: 2, withdrawn: 0, isDoubted: false });
    expect(await known(NOW_MS + 499)).toEqual([]);
    expect(await known(NOW_MS + 500)).toEqual(["BRW 2026-03-05 0.1", "NVDA 2026-03-23 4"]);
    expect(await write([BRW, NVDA], NOW_MS + DAY_MS)).toMatchObject({ put: 0, withdrawn: 0 });
    expect(await revisions()).toEqual([]);
    expect(await lastSplitsRead(test.sql, "polygon")).toEqual({
      ...WINDOW,
      askedAtMs: NOW_MS + DAY_MS,
    });
  });

  it("with another ratio is a revision, and what was known before can be read", async () => {
    await write([NVDA], NOW_MS);
    await write([{ ...NVDA, to: 10 }], NOW_MS + DAY_MS);
    expect(await known(NOW_MS + DAY_MS + 499)).toEqual(["NVDA 2026-03-23 4"]);
    expect(await known(NOW_MS + DAY_MS + 500)).toEqual(["NVDA 2026-03-23 10"]);
    expect(await revisions()).toEqual([
      { symbol: "NVDA", factor: 4, cancelled: false, revision: 0 },
    ]);
  });

  it("withdraws what it does not tell of any more, and tells of it again", async () => {
    await write([NVDA, BRW], NOW_MS);
    expect(await write([BRW], NOW_MS + DAY_MS)).toMatchObject({ put: 0, withdrawn: 1 });
    await write([BRW, NVDA], NOW_MS + 2 * DAY_MS);
    const counts = [NOW_MS, NOW_MS + DAY_MS, NOW_MS + 2 * DAY_MS].map(async (atMs) =>
      (await known(atMs + 500)).includes("NVDA 2026-03-23 4"),
    );
    expect(await Promise.all(counts)).toEqual([true, false, true]);
  });

  it("withdraws nothing outside its dates, and nothing that another source told of", async () => {
    await write([NVDA, BRW], NOW_MS);
    await write([], NOW_MS + 1, { from: "2026-03-10" });
    await write([], NOW_MS + 2, { source: "alpaca" });
    expect(await known(NOW_MS + DAY_MS)).toEqual(["BRW 2026-03-05 0.1"]);
  });

  it("that is older than the last one changes nothing", async () => {
    await write([NVDA], NOW_MS);
    expect(await write([BRW], NOW_MS - 1)).toMatchObject({ put: 0, withdrawn: 0 });
    expect(await known(NOW_MS + DAY_MS)).toEqual(["NVDA 2026-03-23 4"]);
  });

  it("that lacks most of what was told of withdraws none of it", async () => {
    const many = ["A", "B", "C", "D", "E"].map((symbol) => ({ ...NVDA, symbol }));
    await write(many, NOW_MS);
    expect(await write(many.slice(0, 1), NOW_MS + 1)).toMatchObject({
      withdrawn: 0,
      isDoubted: true,
    });
    expect(await known(NOW_MS + DAY_MS, ["A", "B", "C", "D", "E"])).toHaveLength(5);
  });

  it("is known only after every knowledge time that was promised to be repeatable", async () => {
    const promised = NOW_MS + 60_000;
    await test.database.query(
      `insert into group_cursor ("group", class, epoch, fs, as_of) values (3, 'bars', '0k3f9a2xq0aaaaa', 1, $1)`,
      [toIso(promised)],
    );
    await write([NVDA], NOW_MS);
    expect(await known(promised)).toEqual([]);
    expect(await known(promised + 1)).toEqual(["NVDA 2026-03-23 4"]);
  });
});

describe("a split that somebody changes by hand", () => {
  it("keeps what was known before, and its knowledge time moves forward", async () => {
    await write([NVDA], NOW_MS);
    await test.database.query("update corporate_actions set split_to = 5 where symbol = 'NVDA'");
    expect(await known(NOW_MS + 500)).toEqual(["NVDA 2026-03-23 4"]);
    expect(await known(NOW_MS + 501)).toEqual(["NVDA 2026-03-23 5"]);
    await test.database.query("delete from corporate_actions where symbol = 'NVDA'");
    expect(await known(NOW_MS + 501)).toEqual(["NVDA 2026-03-23 5"]);
    expect(await known(NOW_MS + 502)).toEqual([]);
    await write([NVDA], NOW_MS + DAY_MS);
    expect(await known(NOW_MS + DAY_MS + 500)).toEqual(["NVDA 2026-03-23 4"]);
  });
});

describe("any sequence of lists", () => {
  it("reads at any time as a naive model of it", async () => {
    const ratio = fc.constantFrom(2, 3, 4);
    const list = fc.dictionary(fc.constantFrom("A", "B", "C"), ratio, { maxKeys: 3 });
    await fc.assert(
      fc.asyncProperty(fc.array(list, { minLength: 1, maxLength: 6 }), async (lists) => {
        await test.database.query("truncate corporate_actions, corporate_actions_revisions");
        await test.database.query("truncate corporate_action_reads");
        const splitsOf = (ratios: Readonly<Record<string, number>>): Split[] =>
          Object.entries(ratios).map(([symbol, to]) => ({ ...NVDA, symbol, to }));
        for (const [index, ratios] of lists.entries())
          await write(splitsOf(ratios), NOW_MS + index * 1_000);
        for (const [index, ratios] of lists.entries()) {
          const expected = splitsOf(ratios).map(
            (split) => `${split.symbol} ${split.exDate} ${splitFactor(split)}`,
          );
          expect(await known(NOW_MS + index * 1_000 + 999, ["A", "B", "C"])).toEqual(
            expected.sort(),
          );
        }
      }),
      { numRuns: 25 },
    );
  });
});

describe("reading splits", () => {
  it("takes as many symbols as a page of bars has, and answers none for none", async () => {
    expect(await readSplits(test.sql, [], NOW_MS)).toEqual([]);
    await write([NVDA, BRW], NOW_MS);
    const between = Array.from({ length: 9_999 }, (_, index) => `S${index}`);
    const many = ["BRW", ...between, "NVDA"];
    expect(await known(NOW_MS + 500, many)).toEqual(["BRW 2026-03-05 0.1", "NVDA 2026-03-23 4"]);
  });
});

describe("corporate actions as the API reads them", () => {
  const query: ActionQuery = {
    symbols: null,
    from: "2026-01-01",
    through: "2026-12-31",
    asOfMs: NOW_MS + 9 * DAY_MS,
    cancelled: false,
    after: { symbol: "", exDate: "1970-01-01" },
    limit: 10,
  };
  const keys = async (change: Partial<ActionQuery> = {}) =>
    (await readActions(test.sql, { ...query, ...change })).map(
      ({ symbol, ex_date: date, cancelled }) => `${symbol} ${date}${cancelled ? " cancelled" : ""}`,
    );

  it("are by symbol and date, in pages that join, of the asked symbols and dates", async () => {
    const again = { ...NVDA, exDate: "2026-04-01" };
    await write([again, NVDA, BRW], NOW_MS);
    const all = ["BRW 2026-03-05", "NVDA 2026-03-23", "NVDA 2026-04-01"];
    expect(await keys()).toEqual(all);
    expect(await keys({ limit: 2 })).toEqual(all.slice(0, 2));
    const after = { symbol: "NVDA", exDate: "2026-03-23" };
    expect(await keys({ after })).toEqual(all.slice(2));
    expect(await keys({ symbols: ["BRW"] })).toEqual(all.slice(0, 1));
    expect(await keys({ from: "2026-03-23", through: "2026-03-23" })).toEqual(all.slice(1, 2));
  });

  it("show the withdrawn ones to who asks for them, as of any time", async () => {
    await write([NVDA], NOW_MS);
    await write([], NOW_MS + DAY_MS);
    expect(await keys()).toEqual([]);
    expect(await keys({ cancelled: true })).toEqual(["NVDA 2026-03-23 cancelled"]);
    expect(await keys({ asOfMs: NOW_MS + 500 })).toEqual(["NVDA 2026-03-23"]);
  });
});

describe("the reading of splits from a provider", () => {
  it("stores what the market tells of day by day, and what it calls off is withdrawn", async () => {
    const sandbox = await startTestSandbox();
    try {
      let nowMs = OPEN_MS;
      const polygon = createPolygon({
        baseUrl: sandbox.url,
        apiKey: KEYS.polygonApiKey,
        plan: "advanced",
      });
      const deps = {
        ...universeDeps(test.sql, sandbox.url, () => nowMs),
        providers: [polygon],
      };
      const symbols = sandbox.market.symbols.map(({ symbol }) => symbol);
      for (let day = 0; day < 360; day += 5) {
        nowMs = OPEN_MS + day * DAY_MS;
        sandbox.setNow(nowMs);
        const outcome = await readSplitsFrom(deps);
        expect(outcome).toMatchObject({ done: true, unserved: null, failures: [] });
        const horizon = toIso(nowMs + 30 * DAY_MS).slice(0, 10);
        const oldest = toIso(OPEN_MS - 730 * DAY_MS).slice(0, 10);
        const truth = sandbox.market.splits.filter(
          ({ exDate, announcedAtMs, withdrawnAtMs }) =>
            announcedAtMs <= nowMs &&
            (withdrawnAtMs === null || nowMs < withdrawnAtMs) &&
            exDate <= horizon &&
            exDate >= oldest,
        );
        expect((await known(nowMs, symbols)).sort()).toEqual(
          truth.map((split) => `${split.symbol} ${split.exDate} ${splitFactor(split)}`).sort(),
        );
      }
      expect((await revisions()).length).toBeGreaterThan(0);
    } finally {
      await sandbox.stop();
    }
  });
});
