import { cp, mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { migrate } from "../../dev/database/migrate.ts";
import { rowsOf, sowRows } from "../support/rows-of-version.ts";
import { startTestDatabase, type TestDatabase } from "../support/test-database.ts";

/** All migrations, of both folders, in the order in which they came: `path` below `migrations/`. */
const FILES = [
  ...(await readdir("migrations")),
  ...(await readdir("migrations/timescale")).map((name) => `timescale/${name}`),
]
  .filter((path) => path.endsWith(".sql"))
  .map((path) => ({ path, version: Number(/(\d{4})_/.exec(path)?.[1]) }))
  .sort((a, b) => a.version - b.version);

let test: TestDatabase;
let client: pg.Client;
let scratch: string;
beforeAll(async () => {
  test = await startTestDatabase();
  client = new pg.Client({ connectionString: test.database.connectionString });
  await client.connect();
  scratch = await mkdtemp(join(tmpdir(), "mds-migrations-"));
});
afterAll(async () => {
  await client.end();
  await test.stop();
  await rm(scratch, { recursive: true });
});

/** The names that a database of this profile has when it is complete. */
function namesOf(profile: TestDatabase["profile"]): string[] {
  const paths = FILES.map(({ path }) => path.slice(0, -".sql".length));
  const extra = paths.filter((path) => path.startsWith("timescale/"));
  const plain = paths.filter((path) => !path.startsWith("timescale/"));
  return profile === "plain" ? plain : [...plain, ...extra.map((path) => path.slice(10))];
}

/** A folder with the migrations up to a version, as an earlier release had it. */
async function release(version: number): Promise<string> {
  const dir = join(scratch, String(version));
  await mkdir(join(dir, "timescale"), { recursive: true });
  const known = FILES.filter((file) => file.version <= version);
  await Promise.all(known.map(({ path }) => cp(join("migrations", path), join(dir, path))));
  return dir;
}

/** An empty place of its own beside the others: PGlite has one database. */
async function enterSchema(name: string): Promise<void> {
  await client.query(`create schema ${name}`);
  await client.query(`set search_path to ${name}, public`);
}

describe("the migrations", () => {
  it("have all run from empty, and running them again does nothing", async () => {
    const names = (table: string) => test.database.query(`select name from ${table} order by id`);
    const applied = await names("schema_migrations");
    if (test.profile === "timescale") applied.push(...(await names("schema_migrations_timescale")));
    expect(applied.map(({ name }) => name)).toEqual(namesOf(test.profile));
    expect(await migrate(client, { profile: test.profile })).toEqual([]);
  });

  it.each(FILES.map(({ version }) => version).slice(0, -1))(
    "go on from version %d, and every row that it had is still there",
    async (version) => {
      await enterSchema(`v${version}`);
      const { profile } = test;
      const before = await migrate(client, { profile, dir: await release(version) });
      const tables = await sowRows(client);
      const had = await rowsOf(client, tables);
      expect(had.flat()).not.toEqual([]);
      const after = await migrate(client, { profile });
      expect(before.length + after.length).toBe(namesOf(profile).length);
      expect(new Set([...before, ...after])).toEqual(new Set(namesOf(profile)));
      const has = await rowsOf(client, tables);
      expect(has).toMatchObject(had);
      expect((await client.query("select storage_profile() as is")).rows).toEqual([
        { is: profile },
      ]);
    },
  );

  it("leave no way around the history, from whichever version", async () => {
    const { rows } = await client.query<{ name: string }>(
      "select nspname as name from pg_namespace where nspname ~ '^v[0-9]+$' order by 1",
    );
    expect(rows).toHaveLength(FILES.length - 1);
    for (const { name } of rows) {
      await client.query(`set search_path to ${name}, public`);
      await client.query("update candles_intraday set close = close where symbol = 'OLD'");
      await client.query("delete from candles_intraday where symbol = 'OLD'");
      const kept = await client.query("select from candles_revisions where symbol = 'OLD'");
      const holes = await client.query("select from ingestion_cursor where symbol = 'OLD'");
      expect([name, kept.rowCount, holes.rowCount]).toEqual([name, 3, 1]);
    }
  });
});
