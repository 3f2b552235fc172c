import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { TaskOf } from "../../src/contracts/tasks.ts";
import { createCalendar } from "../../src/domain/calendar.ts";
import { HOUR_MS, MINUTE_MS } from "../../src/domain/time.ts";
import { readOptionsFrom } from "../../src/ingest/read-options.ts";
import { readOptions } from "../../src/postgres/options-reads.ts";
import { type OptionsWrite, storeOptions } from "../../src/postgres/options-store.ts";
import { createPolygon } from "../../src/providers/polygon/index.ts";
import { KEYS, type RunningSandbox, startTestSandbox } from "../support/running-sandbox.ts";
import { startTestDatabase, type TestDatabase } from "../support/test-database.ts";
import { universeDeps } from "../support/universe-world.ts";

const DATE = "2026-03-20";
const CLOSE_MS = Date.parse("2026-03-20T20:00:00Z");
const NOW_MS = CLOSE_MS + 20 * MINUTE_MS;
const calendar = createCalendar();
const TASK: TaskOf<"options"> = {
  v: 1,
  type: "options",
  duty: "task:options:t",
  date: DATE,
  underlyings: ["SPY", "QQQ", "IWM"],
};

let test: TestDatabase;
let sandbox: RunningSandbox;
let nowMs = NOW_MS;
beforeAll(async () => {
  sandbox = await startTestSandbox();
  test = await startTestDatabase();
});
afterAll(async () => {
  await sandbox.stop();
  await test.stop();
});
beforeEach(async () => {
  nowMs = NOW_MS;
  sandbox.setNow(NOW_MS);
  await test.database.query("truncate options_metrics, options_metrics_revisions, group_cursor");
});

const deps = () => {
  const { baseUrl, apiKey } = { baseUrl: sandbox.url, apiKey: KEYS.polygonApiKey };
  const providers = [createPolygon({ baseUrl, apiKey, plan: "advanced" })];
  return { ...universeDeps(test.sql, sandbox.url, () => nowMs), providers, calendar };
};
const known = async (asOfMs = NOW_MS + HOUR_MS, underlying: string | null = null, limit = 100) =>
  await readOptions(test.sql, {
    underlying,
    from: "2026-01-01",
    through: "2026-12-31",
    asOfMs,
    after: { underlying: "", date: "1970-01-01" },
    limit,
  });

describe("the reading of option chains", () => {
  it("stores what the sandbox's chains say, once", async () => {
    expect(await readOptionsFrom(TASK, deps())).toMatchObject({
      done: true,
      failures: [],
      unserved: null,
      answered_underlyings: ["SPY", "QQQ", "IWM"],
    });
    const rows = await known();
    expect(rows.map(({ underlying }) => underlying)).toEqual(["IWM", "QQQ", "SPY"]);
    const quote = sandbox.market.quote("SPY", CLOSE_MS - 1_000);
    for (const row of rows) {
      expect(row).toMatchObject({
        date: DATE,
        expiry: "2026-04-17",
        contracts: 6 * 17 * 2 + 34,
        skew_method: "delta_25",
        revision: 0,
      });
      expect(row.put_call_volume).toBeGreaterThan(0.3);
      expect(row.put_call_open_interest).toBeLessThan(3);
      expect(row.atm_iv).toBeGreaterThan(0.1);
      expect(row.atm_iv).toBeLessThan(0.4);
      expect(row.skew).toBeGreaterThan(0);
    }
    expect(rows[2]?.underlying_price).toBeCloseTo(((quote?.bid ?? 0) + (quote?.ask ?? 0)) / 2, 1);
    nowMs += 5 * MINUTE_MS;
    await readOptionsFrom(TASK, deps());
    expect(await known()).toEqual(rows);
  });

  it("takes ten underlyings a run, and no chain once the next session has opened", async () => {
    const underlyings = sandbox.market.symbols.slice(0, 12).map(({ symbol }) => symbol);
    const outcome = await readOptionsFrom({ ...TASK, underlyings }, deps());
    expect(outcome.done).toBe(false);
    expect(outcome.answered_underlyings).toEqual(underlyings.slice(0, 10));
    nowMs = Date.parse("2026-03-23T13:30:00Z");
    const late = await readOptionsFrom(TASK, deps());
    expect(late).toMatchObject({ done: true, selected: [], answered_underlyings: [] });
  });

  it("counts what nobody has options of as answered", async () => {
    const outcome = await readOptionsFrom({ ...TASK, underlyings: ["ZZZZZ", "SPY"] }, deps());
    expect(outcome).toMatchObject({ done: true, failures: [{ kind: "not_found" }] });
    expect((await known()).map(({ underlying }) => underlying)).toEqual(["SPY"]);
  });
});

describe("stored metrics", () => {
  const write = (change: Partial<OptionsWrite> = {}): OptionsWrite => ({
    underlying: "SPY",
    source: "polygon",
    askedAtMs: NOW_MS,
    putCallVolume: 1.2,
    putCallOpenInterest: null,
    atmIv: 0.2,
    skew: null,
    skewMethod: null,
    expiry: null,
    price: 500,
    contracts: 10,
    ...change,
  });
  const ivs = async (asOfMs: number) =>
    (await known(asOfMs)).map((row) => [row.atm_iv, row.revision]);

  it("are revised by a later answer that differs, and what was known before can be read", async () => {
    await storeOptions(test.sql, DATE, write(), NOW_MS);
    await storeOptions(test.sql, DATE, write({ askedAtMs: NOW_MS + 1 }), NOW_MS + 1);
    await storeOptions(test.sql, DATE, write({ askedAtMs: NOW_MS + 2, atmIv: 0.3 }), NOW_MS + 9);
    await storeOptions(test.sql, DATE, write({ askedAtMs: NOW_MS + 1, atmIv: 0.4 }), NOW_MS + 10);
    expect(await ivs(NOW_MS - 1)).toEqual([]);
    expect(await ivs(NOW_MS + 8)).toEqual([[0.2, 0]]);
    expect(await ivs(NOW_MS + 10)).toEqual([[0.3, 1]]);
  });

  it("are by underlying and date, in pages that join", async () => {
    await storeOptions(test.sql, DATE, write({ underlying: "QQQ" }), NOW_MS);
    await storeOptions(test.sql, DATE, write(), NOW_MS);
    expect(await known(NOW_MS, "QQQ")).toHaveLength(1);
    const [first] = await known(NOW_MS, null, 1);
    expect(first?.underlying).toBe("QQQ");
    const after = { underlying: "QQQ", date: DATE };
    const base = { underlying: null, from: DATE, through: DATE, asOfMs: NOW_MS, limit: 1 };
    expect(await readOptions(test.sql, { ...base, after })).toMatchObject([{ underlying: "SPY" }]);
  });
});
