import { execFile, execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { freePort } from "../stack/runtime.ts";

/** Where Debian keeps the programs of each version. */
const DEBIAN_DIR = "/usr/lib/postgresql";
const OLDEST_VERSION = 15;

/** What a small server would be set to; durability and all else is the default. */
const SETTINGS = {
  shared_buffers: "512MB",
  max_wal_size: "4GB",
  checkpoint_timeout: "15min",
  max_connections: "30",
} as const;

/** A PostgreSQL server of this process's own. */
export interface OwnPostgres {
  /** Its own superuser's address. */
  readonly url: string;
  /** A folder that the server may write to. */
  readonly dir: string;
  readonly settings: string;
  /** Ends it and deletes its files. */
  stop(): Promise<void>;
}

/** The folder of `initdb` and `pg_ctl`: the newest of Debian's, or the one on the path; null without one. */
export function findPostgres(): string | null {
  const versions = existsSync(DEBIAN_DIR) ? readdirSync(DEBIAN_DIR).map(Number) : [];
  const places = [
    ...versions
      .filter((version) => version >= OLDEST_VERSION)
      .toSorted((a, b) => b - a)
      .map((version) => join(DEBIAN_DIR, String(version), "bin")),
    ...(process.env["PATH"] ?? "").split(delimiter),
  ];
  return places.find((place) => existsSync(join(place, "initdb"))) ?? null;
}

/** Starts a server on a free port of 127.0.0.1 with files of its own. Rejects when it does not come up. */
export async function startOwnPostgres(binDir: string): Promise<OwnPostgres> {
  const dir = mkdtempSync(join(tmpdir(), "mds-postgres-"));
  const dataDir = join(dir, "data");
  // It refuses to run as root.
  const asOther = process.getuid?.() === 0 ? ["runuser", "-u", "postgres", "--"] : [];
  const commandOf = (name: string, options: readonly string[]) => {
    const [file = "", ...args] = [...asOther, join(binDir, name), "-D", dataDir, ...options];
    return [file, args] as const;
  };
  const run = async (name: string, ...options: string[]) =>
    await promisify(execFile)(...commandOf(name, options), { cwd: dir });
  const remove = () => rmSync(dir, { recursive: true, force: true });
  const endNow = () => {
    // Whatever ended this process, nothing may be left behind.
    const [file, args] = commandOf("pg_ctl", ["-m", "immediate", "stop"]);
    if (existsSync(join(dataDir, "postmaster.pid"))) execFileSync(file, args, { cwd: dir });
    remove();
  };
  process.on("exit", endNow);
  if (asOther.length > 0) await promisify(execFile)("chown", ["postgres", dir]);
  await run("initdb", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C");
  const port = await freePort();
  const own = { ...SETTINGS, listen_addresses: "127.0.0.1", unix_socket_directories: dir };
  const options = Object.entries(own).map(([name, value]) => `-c ${name}=${value}`);
  const log = join(dir, "server.log");
  await run("pg_ctl", "-w", "-l", log, "-o", `-p ${port} ${options.join(" ")}`, "start");
  return {
    url: `postgres://postgres@127.0.0.1:${port}/postgres`,
    dir,
    settings: Object.entries(SETTINGS)
      .map((setting) => setting.join("="))
      .join(", "),
    async stop() {
      await run("pg_ctl", "-m", "fast", "stop");
      process.off("exit", endNow);
      remove();
    },
  };
}
