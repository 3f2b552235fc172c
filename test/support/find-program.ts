import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/** Where a program of the PATH is; null when there is none. */
export function findProgram(name: string): string | null {
  for (const folder of (process.env["PATH"] ?? "").split(delimiter)) {
    const file = join(folder, name);
    try {
      accessSync(file, constants.X_OK);
      return file;
    } catch {
      // Not there.
    }
  }
  return null;
}
