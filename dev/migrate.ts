import pg from "pg";
import { migrate } from "./database/migrate.ts";

/*
 * Applies the migrations to DATABASE_URL (the unpooled address: the lock is of a session). Exit code 1 and one
 * line on stderr when that fails.
 */
async function main(): Promise<void> {
  const connectionString = process.env["DATABASE_URL"];
  if (connectionString === undefined || connectionString === "") {
    throw new Error(
      "DATABASE_URL is not set: give the direct (unpooled) address, postgres://user:password@host/database",
    );
  }
  const client = new pg.Client({ connectionString });
  await client.connect();
  try {
    const applied = await migrate(client);
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
