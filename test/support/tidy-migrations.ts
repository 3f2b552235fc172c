import { createHash } from "node:crypto";
import type { SourceFile } from "./source-tree.ts";

const NAME = /^migrations\/(?:timescale\/)?(\d{4})_[a-z0-9_]+\.sql$/;
const MIN_WHY_LENGTH = 20;

/**
 * What is wrong with the numbers, names and first lines of the database migrations. Both profiles share one
 * sequence of numbers: it says after which of the plain ones another profile's came.
 */
export function migrationFaults(files: readonly SourceFile[]): string[] {
  const numberOf = (file: SourceFile) => NAME.exec(file.path)?.[1];
  const inOrder = files.toSorted((a, b) => Number(numberOf(a)) - Number(numberOf(b)));
  return inOrder.flatMap((file, index) => {
    const faults: string[] = [];
    const number = numberOf(file);
    if (number === undefined) faults.push(`${file.path}: not named 0001_what_it_does.sql`);
    else if (Number(number) !== index + 1)
      faults.push(`${file.path}: expected number ${index + 1}`);
    const [first = ""] = file.text.split("\n");
    if (!first.startsWith("-- ") || first.length < MIN_WHY_LENGTH) {
      faults.push(`${file.path}: the first line must be a comment that says why`);
    }
    return faults;
  });
}

/** sha256 of a migration's text, hex. */
export function checksumOf(file: SourceFile): string {
  return createHash("sha256").update(file.text).digest("hex");
}

/**
 * Compares migrations with their sealed checksums (`path -> sha256`). A sealed migration has run
 * somewhere, so it never changes; a new one is sealed by adding the line that the message gives.
 */
export function checksumFaults(
  files: readonly SourceFile[],
  sealed: Readonly<Record<string, string>>,
): string[] {
  const present = new Map(files.map((file) => [file.path, checksumOf(file)]));
  const changed = [...present].flatMap(([path, checksum]) => {
    const expected = sealed[path];
    if (expected === checksum) return [];
    return expected === undefined
      ? [`${path}: not sealed; add "${path}": "${checksum}"`]
      : [`${path}: changed after it was sealed; undo that and write a further migration`];
  });
  const gone = Object.keys(sealed).filter((path) => !present.has(path));
  return [...changed, ...gone.map((path) => `${path}: sealed, but the file is gone`)];
}
