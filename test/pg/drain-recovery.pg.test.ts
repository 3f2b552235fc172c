import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Flush } from "../../src/contracts/flush.ts";
import { readCursors } from "../../src/postgres/cursor-store.ts";
import { drainFlushes, tryOutFlush } from "../../src/postgres/flush-store.ts";
import { parkedName, readParked } from "../../src/postgres/park-store.ts";
import { classifySqlError } from "../../src/postgres/sql-error.ts";
import { drain, type DrainDeps, type DrainResult } from "../../src/symbol-group/drain.ts";
import { flush, gap, OPEN_MS, row } from "../support/flushes.ts";
import { startTestDatabase, type TestDatabase } from "../support/test-database.ts";

const MINUTE_MS = 60_000;
const TABLES = [
  "candles_intraday",
  "candles_revisions_1m",
  "candles_revisions_1d",
  "candles_daily",
  "group_cursor",
  "ingestion_cursor",
  "gap_events",
  "parked_rows",
];

let test: TestDatabase;
beforeAll(async () => {
  test = await startTestDatabase();
});
afterAll(async () => {
  await test.stop();
});
beforeEach(async () => {
  for (const table of TABLES) await test.database.query(`truncate ${table}`);
});

async function stored(): Promise<unknown[]> {
  return await Promise.all(
    TABLES.map((table) => test.database.query(`select t::text from ${table} t order by 1`)),
  );
}

/** The log of a group in memory, drained by the service's own drain. */
class Log {
  readonly flushes: Flush[] = [];
  drainedFs = 0;

  append(change: Partial<Flush>): void {
    const fs = this.flushes.length + 1;
    this.flushes.push(flush(fs, { as_of: OPEN_MS + fs * MINUTE_MS, ...change }));
  }

  /** Drops what is before a flush, as the bound of a log does. */
  drain(oldestFs = 1): Promise<DrainResult> {
    const held = this.flushes.filter(({ fs }) => fs >= oldestFs);
    const deps: DrainDeps = {
      read: (afterFs, limit) =>
        held
          .filter(({ fs }) => fs > afterFs)
          .slice(0, limit)
          .map((each) => ({ fs: each.fs, asOf: each.as_of, payload: JSON.stringify(each) })),
      position: () => ({
        epoch: flush(1).epoch,
        drainedFs: this.drainedFs,
        headFs: this.flushes.length,
        oldestFs: held[0]?.fs ?? null,
        asOfMsOf: (fs) => held.find((each) => each.fs === fs)?.as_of ?? null,
        mayMiss: false,
      }),
      setDrained: (fs) => (this.drainedFs = fs),
      write: (batch, afterFs, refused) => drainFlushes(test.sql, batch, afterFs, refused),
      tryOut: (one) => tryOutFlush(test.sql, one),
      stored: async () => (await readCursors(test.sql, [7]))[0] ?? null,
      classify: classifySqlError,
      random: () => 0.5,
    };
    return drain(deps, 0);
  }
}

/** An hour of a group: a bar a minute, each revised three minutes later, and a hole now and then. */
function anHour(): Log {
  const log = new Log();
  for (let index = 0; index < 60; index += 1) {
    const ts = OPEN_MS + index * MINUTE_MS;
    const revised = row({ ts: ts - 3 * MINUTE_MS, close: 100.7, revision: 1 });
    log.append({
      rows: [row({ ts }), ...(index >= 3 ? [revised] : [])],
      gaps:
        index % 10 === 5
          ? [gap("open", index - 1, index, "MSFT")]
          : index % 10 === 8
            ? [gap("filled", index - 4, index - 3, "MSFT")]
            : [],
      watermark: ts,
    });
  }
  return log;
}

describe("a database that was set back", () => {
  it("by an hour is filled again from the log, row by row as if nothing had happened", async () => {
    const log = anHour();
    await log.drain();
    const whole = await stored();
    // A restore: the state that it had after the first ten flushes.
    for (const table of TABLES) await test.database.query(`truncate ${table}`);
    await drainFlushes(test.sql, log.flushes.slice(0, 10));
    log.append({});
    const result = await log.drain();
    expect(result).toMatchObject({
      kind: "drained",
      parked: [],
      realigned: [{ kind: "rewind", toFs: 10 }],
    });
    expect(log.drainedFs).toBe(61);
    await test.database.query(
      "update group_cursor set fs = 60, as_of = $1, watermark_1m = watermark_1m",
      [new Date(OPEN_MS + 60 * MINUTE_MS).toISOString()],
    );
    expect(await stored()).toEqual(whole);
  });

  it("to before the group's first flush is filled from there", async () => {
    const log = anHour();
    await log.drain();
    const whole = await stored();
    for (const table of TABLES) await test.database.query(`truncate ${table}`);
    log.append({});
    expect(await log.drain()).toMatchObject({ kind: "drained", realigned: [{ toFs: 0 }] });
    expect((await stored())[0]).toEqual(whole[0]);
  });

  it("further than the log reaches asks for a new epoch, and stores nothing", async () => {
    const log = anHour();
    await log.drain();
    for (const table of TABLES) await test.database.query(`truncate ${table}`);
    await drainFlushes(test.sql, log.flushes.slice(0, 10));
    const before = await stored();
    log.append({ rows: [row({ symbol: "SPY" })] });
    expect(await log.drain(30)).toMatchObject({
      kind: "renew",
      stored: { fs: 10, asOfMs: OPEN_MS + 10 * MINUTE_MS },
    });
    expect(await stored()).toEqual(before);
  });
});

describe("a row that Postgres refuses", () => {
  const broken = (symbol: string) => row({ symbol, volume: -1 });

  it("is parked with its reason while everything beside and behind it is stored", async () => {
    const log = new Log();
    log.append({ rows: [row({ symbol: "A" })] });
    log.append({ rows: [row({ symbol: "B" }), broken("C"), row({ symbol: "D" })] });
    log.append({ rows: [row({ symbol: "E" })], gaps: [gap("open", 3, 4, "F\u0000")] });
    const result = await log.drain();
    expect(result).toMatchObject({ kind: "drained" });
    expect(
      await test.database.query("select symbol from candles_intraday order by symbol"),
    ).toEqual(["A", "B", "D", "E"].map((symbol) => ({ symbol })));
    const parked = await readParked(test.sql, 10);
    expect(
      parked.map(({ fs, part, place, symbol, sqlstate }) => [fs, part, place, symbol, sqlstate]),
    ).toEqual([
      [3, "gaps", 0, "F\uFFFD", "22021"],
      [2, "rows", 1, "C", "23514"],
    ]);
    expect(parked[1]?.reason).toContain("candles_intraday_volume");
    expect(JSON.parse(parked[1]?.body ?? "")).toEqual(broken("C"));
    const [first] = parked;
    if (first === undefined) throw new Error("nothing was parked");
    const after = { asOfMs: first.asOfMs, name: parkedName(first) };
    expect(await readParked(test.sql, 10, after)).toEqual(parked.slice(1));
    expect(log.drainedFs).toBe(3);
  });

  it("is parked once, however often its flush is sent", async () => {
    const log = new Log();
    log.append({ rows: [broken("C"), row()] });
    await log.drain();
    await test.database.query("truncate group_cursor");
    log.append({});
    await log.drain();
    expect(await test.database.query("select symbol from parked_rows")).toEqual([{ symbol: "C" }]);
  });

  it("is not at fault when more than ten are refused: the drain stops and parks nothing", async () => {
    const log = new Log();
    log.append({ rows: Array.from({ length: 11 }, (_, at) => broken(`S${at}`)) });
    expect(await log.drain()).toMatchObject({
      kind: "stuck",
      parked: [],
      fault: { sqlstate: "23514" },
    });
    expect(await test.database.query("select from parked_rows")).toEqual([]);
    expect(log.drainedFs).toBe(0);
  });

  it("is not looked for when the schema is at fault", async () => {
    const log = new Log();
    log.append({ rows: [row()] });
    await test.database.query("alter table gap_events rename to gap_events_gone");
    try {
      expect(await log.drain()).toMatchObject({ kind: "retry", fault: { sqlstate: "42P01" } });
    } finally {
      await test.database.query("alter table gap_events_gone rename to gap_events");
    }
    expect(await log.drain()).toMatchObject({ kind: "drained" });
  });
});
