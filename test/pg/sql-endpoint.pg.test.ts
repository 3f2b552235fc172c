import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { neon } from "@neondatabase/serverless";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { startDatabase } from "../../dev/database/database.ts";
import { drainFlushes } from "../../src/postgres/flush-store.ts";
import { ensurePartitions } from "../../src/postgres/partition-store.ts";
import { classifySqlError } from "../../src/postgres/sql-error.ts";
import { flush, OPEN_MS, row } from "../support/flushes.ts";
import { storedDays } from "../support/stored-days.ts";
import { startTestDatabase, type TestDatabase } from "../support/test-database.ts";

const DAY_MS = 86_400_000;
let test: TestDatabase;
beforeAll(async () => {
  test = await startTestDatabase();
});
afterAll(async () => {
  await test.stop();
});

async function post(body: string, headers: Record<string, string> = {}): Promise<Response> {
  return await fetch(test.database.sqlUrl, { method: "POST", body, headers });
}

describe("a statement's parameters", () => {
  it("may be of any length, whatever the reader's buffer holds", async () => {
    const around = Array.from({ length: 200 }, (_, index) => 8_192 - index);
    for (const length of around) {
      const [row] = await test.database.query("select length($1::text) as n", ["x".repeat(length)]);
      expect(row).toEqual({ n: length });
    }
  });
});

describe("day partitions", () => {
  it("are made once, by whoever comes first, where a table needs them", async () => {
    const perDay = test.profile === "plain" ? 2 : 0;
    const count = async () =>
      (
        await test.database.query(
          "select count(*)::int as n from pg_inherits where inhparent in ('candles_intraday'::regclass, 'candles_revisions_1m'::regclass)",
        )
      )[0]?.["n"];
    await Promise.all(
      [1, 2, 3].map(() => ensurePartitions(test.sql, OPEN_MS, OPEN_MS + 2 * DAY_MS)),
    );
    expect(await count()).toBe(3 * perDay);
    await ensurePartitions(test.sql, OPEN_MS - DAY_MS, OPEN_MS);
    expect(await count()).toBe(4 * perDay);
    await expect(ensurePartitions(test.sql, 1, 1)).rejects.toThrow(RangeError);
    await expect(ensurePartitions(test.sql, OPEN_MS, OPEN_MS + 400 * DAY_MS)).rejects.toThrow(
      "400 days",
    );
  });

  it("carry the triggers of their table and are cut at UTC midnight", async () => {
    await drainFlushes(test.sql, [flush(1, { rows: [row()] })]);
    const [day] = (await storedDays(test, "candles_intraday")).filter(
      (stored) => stored.day === "2026-03-20",
    );
    expect(day).toMatchObject({ hours: 24 });
    expect(
      await test.database.query(
        "select count(*)::int as triggers from pg_trigger where tgrelid = $1::regclass and tgname like 'candles%'",
        [day?.name],
      ),
    ).toEqual([{ triggers: 2 }]);
  });

  it("that are missing are not the row's fault", async () => {
    const insert = test.sql.query({
      text: "insert into candles_revisions select 'A', '1d', '1999-01-01', 1, 1, 1, 1, 1, 1, 1, now(), now(), 'iex', 'iex', 'pre', 'first', 0",
      params: [],
    });
    expect(await insert.catch(classifySqlError)).toMatchObject({
      kind: "retry",
      sqlstate: "23514",
    });
  });
});

describe("the /sql endpoint", () => {
  it("gives the driver typed values, and binds arrays, nulls and exact numbers", async () => {
    const { rows, rowCount } = await test.sql.query({
      text: "select $1::int8 as big, $2::float8 as num, $3::text[] as list, $4::float8[] as nums, $5::timestamptz as at, null as nothing",
      params: [
        "9007199254740993",
        0.1 + 0.2,
        ['a"b', "NULL", "x,y"],
        [1.5, null],
        "2026-03-20T13:30:00.123Z",
      ],
    });
    expect(rowCount).toBe(1);
    expect(rows).toEqual([
      {
        big: "9007199254740993",
        num: 0.1 + 0.2,
        list: ['a"b', "NULL", "x,y"],
        nums: [1.5, null],
        at: new Date("2026-03-20T13:30:00.123Z"),
        nothing: null,
      },
    ]);
  });

  it("answers raw text in arrays to the headers that the driver sends", async () => {
    const body = JSON.stringify({
      query: "select true as yes, 1.50::numeric as n, null as x",
      params: [],
    });
    const raw = await post(body, { "Neon-Raw-Text-Output": "true", "Neon-Array-Mode": "true" });
    expect(await raw.json()).toMatchObject({
      command: "SELECT",
      rowCount: 1,
      rowAsArray: true,
      rows: [["t", "1.50", null]],
      fields: [{ name: "yes", dataTypeID: 16 }, { name: "n", dataTypeID: 1700 }, { name: "x" }],
    });
    expect(await (await post(body)).json()).toMatchObject({
      rows: [{ yes: true, n: "1.50", x: null }],
    });
    const sql = neon(test.database.connectionString, { arrayMode: true });
    expect(await sql.query("select 1 as a, 'b' as b")).toEqual([[1, "b"]]);
  });

  it("answers an SQL error with 400 and the fields of the error", async () => {
    const answer = await post(JSON.stringify({ query: "select 1/$1::int", params: ["0"] }));
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({
      message: "division by zero",
      code: "22012",
      severity: "ERROR",
      detail: null,
    });
    await expect(
      test.sql.query({ text: "select drain_begin(1, 'bars', 'e', 3, 4)", params: [] }),
    ).rejects.toMatchObject({
      name: "NeonDbError",
      code: "MDS02",
      severity: "ERROR",
      detail: "0",
      hint: "e",
    });
  });

  it("runs a batch in one transaction with the isolation asked for, and undoes it all on an error", async () => {
    const text = (statement: string) => ({ text: statement, params: [] });
    const [isolation] = await test.sql.transaction([
      text("show transaction_isolation"),
      text("create table kept ()"),
    ]);
    expect(isolation?.rows).toEqual([{ transaction_isolation: "read committed" }]);
    const sql = neon(test.database.connectionString);
    expect(
      await sql.transaction([sql`show transaction_isolation`, sql`show transaction_read_only`], {
        isolationLevel: "Serializable",
        readOnly: true,
        deferrable: true,
      }),
    ).toEqual([[{ transaction_isolation: "serializable" }], [{ transaction_read_only: "on" }]]);
    await expect(
      test.sql.transaction([text("create table undone ()"), text("select 1/0")]),
    ).rejects.toMatchObject({ code: "22012" });
    expect(
      (
        await test.sql.query(
          text(
            "select to_regclass('kept') is null as kept, to_regclass('undone') is null as undone",
          ),
        )
      ).rows,
    ).toEqual([{ kept: false, undone: true }]);
  });

  it("refuses what is malformed and goes on", async () => {
    for (const body of [
      "",
      "{",
      "[]",
      "{}",
      '{"queries":[]}',
      '{"query":1}',
      '{"query":"select 1","params":{}}',
    ]) {
      expect((await post(body)).status).toBe(400);
    }
    expect(
      (await post('{"queries":[{"query":"select 1"}]}', { "Neon-Batch-Isolation-Level": "Best" }))
        .status,
    ).toBe(400);
    expect((await fetch(test.database.sqlUrl.replace("/sql", "/"))).status).toBe(404);
    expect((await test.sql.query({ text: "select 1 as one", params: [] })).rows).toEqual([
      { one: 1 },
    ]);
  });

  it("refuses a body over 64 MB", async () => {
    expect((await post("x".repeat(64 * 1_024 * 1_024 + 1))).status).toBe(413);
  });

  it("answers 503 while the database is away, which means: try again", async () => {
    const query = () => test.sql.query({ text: "select 1 as one", params: [] });
    test.database.setAway(true);
    expect(await query().catch(classifySqlError)).toMatchObject({
      kind: "retry",
      sqlstate: null,
      storedFs: null,
    });
    test.database.setAway(false);
    expect((await query()).rows).toEqual([{ one: 1 }]);
  });

  it("serves ordinary clients beside the driver", async () => {
    const other = new pg.Client({ connectionString: test.database.connectionString });
    await other.connect();
    await other.query("begin");
    await other.query("create table others ()");
    await other.end();
    const after = { text: "select to_regclass('others') is null as undone", params: [] };
    expect((await test.sql.query(after)).rows).toEqual([{ undone: true }]);
  });
});

describe("an embedded database with a directory", () => {
  it("has its rows after a restart", async () => {
    const dataDir = await mkdtemp(join(tmpdir(), "mds-pg-"));
    const options = { dataDir: join(dataDir, "new", "db"), profile: inject("storageProfile") };
    const first = await startDatabase(options);
    await first.query("create table kept as select 42 as n");
    await first.stop();
    const second = await startDatabase(options);
    expect(await second.query("select n from kept")).toEqual([{ n: 42 }]);
    await second.stop();
    await rm(dataDir, { recursive: true });
  });
});
