import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import type { TestProject } from "vitest/node";
import { startEmbeddedPostgres } from "../../dev/database/embedded.ts";
import { migrate } from "../../dev/database/migrate.ts";
import type { StorageProfile } from "../../dev/database/storage-profile.ts";

declare module "vitest" {
  export interface ProvidedContext {
    /** The profile of the project's embedded databases. */
    readonly storageProfile: StorageProfile;
    /** A migrated database of that profile, saved in a file. */
    readonly databaseSnapshot: string;
  }
}

/** Migrates one database for all files of a project: to start from its files is three times as quick. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { storageProfile: profile } = project.getProvidedContext();
  const dir = await mkdtemp(join(tmpdir(), "mds-snapshot-"));
  const snapshot = join(dir, `${profile}.tar`);
  const embedded = await startEmbeddedPostgres({ dataDir: null, profile, snapshot: null });
  const client = new pg.Client({ connectionString: embedded.connectionString });
  await client.connect();
  await migrate(client, { profile });
  await client.end();
  await embedded.save(snapshot);
  await embedded.stop();
  project.provide("databaseSnapshot", snapshot);
  return () => rm(dir, { recursive: true });
}
