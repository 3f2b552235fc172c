import { execFile } from "node:child_process";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";

/** How a call of wrangler ended; its output as plain text. */
export interface WranglerResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const SCRIPT = "node_modules/wrangler/bin/wrangler.js";
/** A call of Cloudflare's API takes seconds. */
const TIMEOUT_MS = 60_000;
const MAX_OUTPUT_BYTES = 4_194_304;

/** Runs wrangler in the checkout at `root` and keeps what it says. Asks no question back. Never rejects. */
export function askWrangler(root: string, args: readonly string[]): Promise<WranglerResult> {
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [join(root, SCRIPT), ...args],
      {
        cwd: root,
        timeout: TIMEOUT_MS,
        maxBuffer: MAX_OUTPUT_BYTES,
        env: { ...process.env, CI: "true", NO_COLOR: "1", WRANGLER_SEND_METRICS: "false" },
      },
      (error, stdout, stderr) =>
        resolve({
          code: error === null ? 0 : typeof error.code === "number" ? error.code : 1,
          stdout: stripVTControlCharacters(stdout),
          stderr: stripVTControlCharacters(stderr),
        }),
    );
    child.stdin?.end();
  });
}

/** The first line of an error that wrangler told of; what it decorates it with is left out. */
export function wranglerFault({ stdout, stderr, code }: WranglerResult): string {
  const lines = `${stderr}\n${stdout}`.split("\n").map((line) => line.trim());
  const error = lines.find((line) => /error/i.test(line)) ?? lines.find((line) => line !== "");
  return (error ?? `exit code ${code}`).replace(/^\W*(\[?ERROR\]?)\W*/i, "").slice(0, 200);
}
