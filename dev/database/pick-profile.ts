import pg from "pg";
import { z } from "zod";
import {
  chooseProfile,
  storageProfileSchema,
  type ProfileChoice,
  type StorageProfile,
} from "./storage-profile.ts";

/** Asks the database at an address what it has and can have, and chooses. Rejects as `chooseProfile` throws. */
export async function pickProfile(
  connectionString: string,
  asked: StorageProfile | null,
): Promise<ProfileChoice> {
  // A connection of its own: a server that has the extension's files but not its library loaded ends the
  // session that tries to use it.
  const client = new pg.Client({ connectionString });
  client.on("error", () => {});
  await client.connect();
  try {
    const recorded = await readRecorded(client);
    return chooseProfile({ asked, recorded, lacks: await findLack(client) });
  } finally {
    await client.end().catch(() => {});
  }
}

async function readRecorded(client: pg.Client): Promise<StorageProfile | null> {
  const known = await client.query("select from pg_proc where oid = to_regproc('storage_profile')");
  if (known.rowCount === 0) return null;
  const { rows } = await client.query("select storage_profile() as profile");
  return z.tuple([z.object({ profile: storageProfileSchema })]).parse(rows)[0].profile;
}

/**
 * The Apache edition (Neon's) has the same functions, which refuse to work; only its licence setting tells, and
 * only once the extension is there. So it is made, looked at and undone.
 */
async function findLack(client: pg.Client): Promise<string | null> {
  const available = await client.query(
    "select from pg_available_extensions where name = 'timescaledb'",
  );
  if (available.rowCount === 0) return "the server has no TimescaleDB";
  try {
    await client.query("begin");
    await client.query("create extension if not exists timescaledb");
    const { rows } = await client.query(
      "select current_setting('timescaledb.license', true) as license",
    );
    await client.query("rollback");
    const [{ license }] = z.tuple([z.object({ license: z.string().nullable() })]).parse(rows);
    return license === "timescale" ? null : "its TimescaleDB is the Apache edition";
  } catch (error) {
    await client.query("rollback").catch(() => {});
    return `its TimescaleDB can't be used (${error instanceof Error ? error.message : String(error)})`;
  }
}
