import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startEmbeddedPostgres, type EmbeddedPostgres } from "../../../dev/database/embedded.ts";
import { migrate } from "../../../dev/database/migrate.ts";
import { pickProfile } from "../../../dev/database/pick-profile.ts";
import { rowsOf, sowRows } from "../../support/rows-of-version.ts";

let server: EmbeddedPostgres;
let client: pg.Client;
beforeAll(async () => {
  server = await startEmbeddedPostgres({ dataDir: null, profile: "timescale", snapshot: null });
  client = new pg.Client({ connectionString: server.connectionString });
  await client.connect();
});
afterAll(async () => {
  await client.end();
  await server.stop();
});

const TABLES = ["candles_intraday", "candles_revisions_1m", "candles_daily", "quotes_l1"];

/** What stands on the tables that are converted, and the columns of the views; old beliefs become one. */
async function shape(): Promise<unknown[][]> {
  const looks = [
    `select conrelid::regclass::text, conname, pg_get_constraintdef(oid) from pg_constraint
      where conrelid = any($1::regclass[]) and contype <> 'n'
      and conname <> 'candles_revisions_1m_only' order by 1, 2`,
    `select indrelid::regclass::text, replace(pg_get_indexdef(indexrelid), ' ON ONLY ', ' ON ') from pg_index
      where indrelid = any($1::regclass[]) order by 2`,
    `select pg_get_triggerdef(oid) from pg_trigger
      where tgrelid = any($1::regclass[]) and not tgisinternal and tgname not like 'ts\\_%' order by 1`,
    `select attrelid::regclass::text, attname, format_type(atttypid, atttypmod), attcollation,
        case when attrelid = any($1::regclass[]) then attnotnull end as required
      from pg_attribute where attnum > 0 and not attisdropped
      and attrelid = any($1::regclass[] || array['candles_revisions', 'candles_5m', 'candles_1h']::regclass[])
      order by attrelid::regclass::text, attnum`,
  ];
  const found: unknown[][] = [];
  for (const look of looks) found.push((await client.query(look, [TABLES])).rows);
  return found;
}

describe("a plain database on a server with TimescaleDB", () => {
  it("keeps every row, check, key, trigger and column", async () => {
    await migrate(client, { profile: "plain" });
    const tables = await sowRows(client);
    await client.query("insert into stored_hours (symbol, day) values ('SPY', '2026-03-20')");
    const views = ["candles_5m", "candles_1h"];
    const had = await rowsOf(client, [...tables, ...views]);
    const stood = await shape();
    for (const look of [...had, ...stood]) expect(look).not.toEqual([]);

    await migrate(client, { profile: "timescale" });

    expect(await rowsOf(client, [...tables, ...views])).toEqual(had);
    expect(await shape()).toEqual(stood);
    // Nothing would tell of a changed bar here.
    expect((await client.query("select from stored_hours")).rows).toEqual([]);
  });

  it("makes its own partitions afterwards, and years are made as before", async () => {
    const { rows } = await client.query(`select
      ensure_day_partitions('2026-03-21', '2026-03-23') as days,
      ensure_quote_partitions('2026-03-21', '2026-03-23') as quotes,
      ensure_year_partitions('2026-03-21', '2027-03-21') as years`);
    expect(rows).toEqual([{ days: 0, quotes: 0, years: 2 }]);
  });
});

describe("a server with TimescaleDB's community edition", () => {
  it("is offered the profile, and being asked about it leaves nothing behind", async () => {
    const fresh = await startEmbeddedPostgres({
      dataDir: null,
      profile: "timescale",
      snapshot: null,
    });
    expect(await pickProfile(fresh.connectionString, null)).toEqual({
      profile: "timescale",
      reason: "TimescaleDB's community edition is there",
    });
    expect((await pickProfile(fresh.connectionString, "plain")).profile).toBe("plain");
    const other = new pg.Client({ connectionString: fresh.connectionString });
    await other.connect();
    const made = await other.query("select from pg_extension where extname = 'timescaledb'");
    expect(made.rowCount).toBe(0);
    await other.end();
    await fresh.stop();
  });
});
