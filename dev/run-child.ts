import { spawn } from "node:child_process";
import { constants } from "node:os";

/** How a child ended: its exit code (128 + n when signal n ended it) and what it took. */
export interface ChildResult {
  readonly code: number;
  readonly durationMs: number;
  /** A person asked to stop while it ran: nothing more is to be started. */
  readonly interrupted: boolean;
}

const EXIT_SIGNAL_BASE = 128;

/**
 * Runs one of the project's programs under the Node that runs this, output inherited, to its end.
 * SIGTERM and SIGHUP are passed on; so is a SIGINT that no terminal has sent to the child as well.
 * `args` begins with the script. Rejects only when the program cannot be started.
 */
export function runChild(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<ChildResult> {
  return new Promise((resolve, reject) => {
    const startMs = performance.now();
    const child = spawn(process.execPath, [...args], {
      stdio: ["ignore", "inherit", "inherit"],
      env: { ...process.env, ...env },
    });
    let interrupted = false;
    const forward = (signal: NodeJS.Signals) => {
      interrupted = true;
      if (signal !== "SIGINT" || !process.stdin.isTTY) child.kill(signal);
    };
    const killLast = () => child.kill("SIGKILL");
    const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
    for (const signal of signals) process.on(signal, forward);
    process.on("exit", killLast);
    child.once("error", reject);
    child.once("exit", (code, signal) => {
      for (const name of signals) process.off(name, forward);
      process.off("exit", killLast);
      resolve({
        code: code ?? EXIT_SIGNAL_BASE + (signal === null ? 0 : constants.signals[signal]),
        durationMs: performance.now() - startMs,
        interrupted,
      });
    });
  });
}

/** `1.2 s`: the one way that durations of steps are printed. */
export function inSeconds(durationMs: number): string {
  return `${(durationMs / 1_000).toFixed(1)} s`;
}
