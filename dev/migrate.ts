import pg from "pg";
import { migrate } from "./database/migrate.ts";
import { pickProfile } from "./database/pick-profile.ts";
import { readStorageProfile } from "./database/storage-profile.ts";

/*
 * Applies the migrations to DATABASE_URL (the unpooled address: the lock is of a session), those of the storage
 * profile that STORAGE_PROFILE names, or else of the better one that the server can store. Exit code 1 and one
 * line on stderr when that fails.
 */
async function main(): Promise<void> {
  const connectionString = process.env["DATABASE_URL"];
  if (connectionString === undefined || connectionString === "") {
    throw new Error(
      "DATABASE_URL is not set: give the direct (unpooled) address, postgres://user:password@host/database",
    );
  }
  const asked = readStorageProfile(process.env["STORAGE_PROFILE"]);
  const { profile, reason } = await pickProfile(connectionString, asked);
  process.stdout.write(`profile ${profile}: ${reason}\n`);
  const client = new pg.Client({ connectionString });
  await client.connect();
  try {
    const applied = await migrate(client, { profile });
    process.stdout.write(
      applied.length === 0 ? "nothing to migrate\n" : `applied ${applied.join(", ")}\n`,
    );
  } finally {
    await client.end();
  }
}

main().catch((error: unknown) => {
  process.stderr.write(`migrate: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
