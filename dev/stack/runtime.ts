import { type ChildProcess, execFile, spawn } from "node:child_process";
import { randomInt } from "node:crypto";
import { createWriteStream, mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { basename, dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";

/** How `wrangler dev` is started. `variables` go into a file, so that no key stands in an argument list. */
export interface RuntimeOptions {
  readonly root: string;
  readonly stateDir: string;
  /** What `bundleService` made. */
  readonly bundle: string;
  readonly port: number;
  readonly variables: Readonly<Record<string, string>>;
  readonly logFile: string;
}

/** The service in the local runtime, as a process group of its own. */
export interface Runtime {
  readonly url: string;
  /** Whether it still runs. */
  isAlive(): boolean;
  /** Ends it the hard way: SIGKILL to the whole group, as a crash would. */
  kill(): Promise<void>;
  /** Ends it and waits until it is gone. */
  stop(): Promise<void>;
}

/** Linux gives 32768 and above to outgoing connections, others 49152 and above. */
const FIRST_PORT = 20_000;
const PORTS = 12_000;
const MAX_PORT_TRIES = 50;
const WRANGLER = "node_modules/wrangler/bin/wrangler.js";
const START_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 5_000;
const POLL_MS = 100;

/**
 * Bundles the service once, so that an edited source file does not reload it while it runs. Returns
 * the bundle's file.
 */
export async function bundleService(
  root: string,
  stateDir: string,
  entry = "dev/worker.ts",
): Promise<string> {
  const outDir = join(stateDir, "bundle");
  const arguments_ = ["deploy", entry, "--dry-run", `--outdir=${outDir}`, "--config=wrangler.toml"];
  try {
    await promisify(execFile)(process.execPath, [join(root, WRANGLER), ...arguments_], {
      cwd: root,
    });
  } catch (error) {
    throw new Error(
      `the service could not be bundled: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
  return join(outDir, basename(entry).replace(/\.ts$/, ".js"));
}

/** Starts the service and waits until it answers. Rejects with the end of its log when it does not. */
export async function startRuntime(options: RuntimeOptions): Promise<Runtime> {
  mkdirSync(options.stateDir, { recursive: true });
  const varsFile = join(options.stateDir, "dev.vars");
  const lines = Object.entries(options.variables).map(([name, value]) => `${name}='${value}'`);
  writeFileSync(varsFile, `${lines.join("\n")}\n`, { mode: 0o600 });
  mkdirSync(dirname(options.logFile), { recursive: true });
  const logStream = createWriteStream(options.logFile, { flags: "a" });
  const child = spawn(
    process.execPath,
    [
      join(options.root, WRANGLER),
      "dev",
      options.bundle,
      "--no-bundle",
      "--config=wrangler.toml",
      "--ip=127.0.0.1",
      `--port=${options.port}`,
      `--inspector-port=${await freePort()}`,
      `--persist-to=${join(options.stateDir, "objects")}`,
      `--env-file=${varsFile}`,
      "--show-interactive-dev-session=false",
      "--log-level=warn",
    ],
    // A group of its own, so that all of it can be ended at once.
    {
      cwd: options.root,
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, NO_COLOR: "1" },
    },
  );
  let tail = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on("data", (chunk: Buffer) => {
      logStream.write(chunk);
      tail = (tail + chunk.toString()).slice(-4_000);
    });
  }
  const url = `http://127.0.0.1:${options.port}`;
  const killLast = () => signalGroup(child, "SIGKILL");
  process.on("exit", killLast);
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const stop = async (signal: NodeJS.Signals) => {
    signalGroup(child, signal);
    await Promise.race([ended, delay(STOP_TIMEOUT_MS, undefined, { ref: false })]);
    signalGroup(child, "SIGKILL");
    await ended;
    process.off("exit", killLast);
    logStream.end();
  };
  try {
    await untilHealthy(url, child);
  } catch (error) {
    await stop("SIGKILL");
    throw new Error(
      `the service did not start: ${error instanceof Error ? error.message : String(error)}\n${tail}`,
    );
  }
  return {
    url,
    isAlive: () => child.exitCode === null && child.signalCode === null,
    kill: () => stop("SIGKILL"),
    stop: () => stop("SIGTERM"),
  };
}

/**
 * A port of the loopback interface that is free now. Of those that no system gives to outgoing connections: it is
 * bound some seconds later, and after a kill again, and until then any request of anybody could have taken it.
 */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < MAX_PORT_TRIES; tries += 1) {
    const port = FIRST_PORT + randomInt(PORTS);
    if (await isPortFree(port)) return port;
  }
  throw new Error(`no free port from ${FIRST_PORT} to ${FIRST_PORT + PORTS - 1}`);
}

/** Whether a port of the loopback interface is free. */
export function isPortFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // The group is gone already.
  }
}

async function untilHealthy(url: string, child: ChildProcess): Promise<void> {
  const deadline = performance.now() + START_TIMEOUT_MS;
  while (performance.now() < deadline) {
    if (child.exitCode !== null) throw new Error(`it ended with code ${child.exitCode}`);
    try {
      const response = await fetch(`${url}/health`, { signal: AbortSignal.timeout(2_000) });
      if (response.ok) return;
    } catch {
      // Not up yet.
    }
    await delay(POLL_MS);
  }
  throw new Error(`no answer within ${START_TIMEOUT_MS / 1_000} s`);
}
