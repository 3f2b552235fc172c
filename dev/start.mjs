// Plain JavaScript without dependencies: this is what runs before anything is installed, on any
// Node >= 20. It installs what the lockfile says, once, and hands over to the project's own Node.
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { constants, devNull } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const binDir = join(root, "node_modules", ".bin");
const node = join(binDir, "node");
const hashFile = join(root, "node_modules", ".installed-lock-hash");

const WRANGLER = "node_modules/wrangler/bin/wrangler.js";
const TYPES_FILE = "worker-configuration.d.ts";

/** Command -> script and leading arguments, relative to the repository. */
const COMMANDS = new Map([
  ["stack", ["dev/stack.ts"]],
  ["session", ["dev/session.ts"]],
  ["test", ["dev/test.ts"]],
  ["check", ["dev/check.ts"]],
  ["migrate", ["dev/migrate.ts"]],
  ["verify", ["dev/verify.ts"]],
  ["deploy", ["dev/deploy.ts"]],
  ["preflight", ["dev/preflight.ts"]],
  ["probe", ["dev/probe.ts"]],
  // Without the developer's own .dev.vars: their names are no part of the committed Env.
  ["types", [WRANGLER, "types", TYPES_FILE, "--include-runtime=false", `--env-file=${devNull}`]],
  ["bench", ["dev/bench.ts"]],
  ["monitoring", ["dev/monitoring.ts"]],
  ["ops:drill", ["dev/drill.ts"]],
  ["client", ["dev/client.ts"]],
]);

const PARENT_CHECK_MS = 500;
const EXIT_USAGE = 2;
/** The shell's way to say "ended by signal n". */
const EXIT_SIGNAL_BASE = 128;

/** @param {string} text */
function say(text) {
  process.stderr.write(`${text}\n`);
}

/**
 * Runs a program to its end and answers its exit code. Signals reach it: those sent to this process
 * are passed on, and a Ctrl-C in a terminal goes to the whole foreground group by itself, so only a
 * repeated one is passed on there (a first would arrive twice, and twice means "now" to many tools).
 *
 * @param {string} program
 * @param {readonly string[]} args
 * @param {import("node:child_process").SpawnOptions} options
 * @returns {Promise<number>}
 */
function run(program, args, options) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, options);
    let interrupts = 0;
    process.on("SIGINT", () => {
      interrupts += 1;
      if (!process.stdin.isTTY || interrupts > 1) child.kill("SIGINT");
    });
    for (const signal of /** @type {const} */ (["SIGTERM", "SIGHUP"])) {
      process.on(signal, () => child.kill(signal));
    }
    process.once("exit", () => child.kill("SIGKILL"));
    // npm runs this through a shell, which passes no SIGTERM on: it just is not there any more.
    const parent = process.ppid;
    const watch = setInterval(() => {
      if (process.env["npm_lifecycle_event"] === undefined || process.ppid === parent) return;
      clearInterval(watch);
      child.kill("SIGTERM");
    }, PARENT_CHECK_MS);
    child.once("error", reject);
    child.once("exit", (code, signal) => {
      clearInterval(watch);
      for (const name of ["SIGINT", "SIGTERM", "SIGHUP"]) process.removeAllListeners(name);
      resolve(code ?? EXIT_SIGNAL_BASE + (signal === null ? 0 : constants.signals[signal]));
    });
  });
}

/** Makes node_modules what package-lock.json says; a no-op when it already is. */
async function install() {
  const hash = createHash("sha256")
    .update(readFileSync(join(root, "package-lock.json")))
    .digest("hex");
  const installed = existsSync(hashFile) ? readFileSync(hashFile, "utf8").trim() : null;
  if (installed === hash && existsSync(node)) return;
  const why = installed === null ? "nothing is installed yet" : "package-lock.json has changed";
  say(`npm ci: ${installed === hash ? "the project's own Node is missing" : why}`);
  // npm must not start through the Node that it is about to delete.
  const path = (process.env["PATH"] ?? "").split(delimiter).filter((dir) => dir !== binDir);
  const code = await run("npm", ["ci", "--no-audit", "--no-fund"], {
    cwd: root,
    // stdout is kept clean for commands whose answer is JSON.
    stdio: ["ignore", 2, 2],
    env: { ...process.env, PATH: path.join(delimiter) },
  });
  if (code !== 0) {
    say(`npm ci failed (exit ${code}): nothing was started`);
    process.exit(code);
  }
  if (!existsSync(node)) {
    say("npm ci left no node_modules/.bin/node: install scripts must be allowed (ignore-scripts)");
    process.exit(1);
  }
  writeFileSync(hashFile, `${hash}\n`);
}

/** @param {readonly string[]} argv */
async function main([command, ...args]) {
  const target = command === undefined ? undefined : COMMANDS.get(command);
  if (target === undefined) {
    say(command === undefined ? "which command?" : `unknown command: ${command}`);
    say(`usage: node dev/start.mjs <${[...COMMANDS.keys()].join("|")}> [arguments]`);
    return EXIT_USAGE;
  }
  const [script = "", ...fixed] = target;
  await install();
  if (!existsSync(join(root, script))) {
    say(`${command}: ${script} does not exist in this checkout`);
    return EXIT_USAGE;
  }
  const guard = pathToFileURL(join(root, "dev", "end-with-parent.mjs")).href;
  return run(node, ["--import", guard, join(root, script), ...fixed, ...args], {
    cwd: root,
    stdio: ["inherit", "inherit", "inherit", "ipc"],
    env: {
      ...process.env,
      PATH: `${binDir}${delimiter}${process.env["PATH"] ?? ""}`,
      WRANGLER_SEND_METRICS: "false",
    },
  });
}

process.exitCode = await main(process.argv.slice(2));
