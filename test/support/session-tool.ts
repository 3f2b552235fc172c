import { execFile } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** A file of real bars beside the checkout; it may not be there. */
export function barsFile(name: string): string {
  return join(process.env["MDS_SHARED"] ?? join(root, "../shared"), "data/bars", name);
}

/** Runs the session tool as a person would and reads its last line. Rejects when it does not exit 0. */
export async function runSessionTool(
  options: readonly string[],
  timeoutMs: number,
): Promise<unknown> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [join(root, "dev/session.ts"), "--json", ...options],
    { cwd: root, timeout: timeoutMs, maxBuffer: 16 * 1_024 * 1_024 },
  );
  return JSON.parse(stdout.trim().split("\n").at(-1) ?? "");
}
