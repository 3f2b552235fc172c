import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";

/**
 * Takes a state folder for this process: two stacks on one folder would ruin its data. Returns how to
 * let go of it. Throws with a sentence when a living process has it; a lock left by a crash is taken over.
 */
export function lockStateDir(stateDir: string): () => void {
  mkdirSync(stateDir, { recursive: true });
  const file = join(stateDir, "lock");
  for (let tries = 0; tries < 2; tries += 1) {
    try {
      const handle = openSync(file, "wx");
      writeSync(handle, String(process.pid));
      closeSync(handle);
      return () => rmSync(file, { force: true });
    } catch (error) {
      if (!isExisting(error)) throw error;
      const holder = Number(readFileSync(file, "utf8"));
      if (isAlive(holder)) {
        throw new Error(
          `process ${holder} uses ${stateDir} already: end it, or choose another folder with --state`,
        );
      }
      rmSync(file, { force: true });
    }
  }
  throw new Error(`${file} could not be taken`);
}

function isExisting(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "EEXIST";
}

function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
