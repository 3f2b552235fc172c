import { readFileSync } from "node:fs";
import { z } from "zod";
import type { ListedSymbol } from "./market.ts";

const MAX_ROWS = 100_000;
/** A directory's symbol: `BRK.B`, `BAC$L`, `RAC.W`. */
const SYMBOL = /^[A-Z]{1,6}[.$A-Z]{0,8}$/;
/** A field is bare, or quoted; no field of the files has a quote in it. */
const FIELD = /(?:^|,)(?:"([^"]*)"|([^",]*))/g;

/** Test issues have neither a type nor a volume in their file. */
const rowSchema = z.object({
  symbol: z.string().regex(SYMBOL),
  name: z.string(),
  exchange: z.string().regex(/^[A-Z]{4}$/),
  type: z.string().default("COMMON"),
});

function splitLine(line: string): readonly string[] {
  return [...line.matchAll(FIELD)].map(([, quoted, bare]) => quoted ?? bare ?? "");
}

/**
 * Read a directory of US securities (a header with at least `symbol,name,exchange`, `type` if it has
 * one) in its order and its spelling; everything is text, so `NA` and `NAN` are symbols. Throws with
 * the number of a malformed line.
 */
export function loadUniverseFile(file: string): readonly ListedSymbol[] {
  const [header = "", ...lines] = readFileSync(file, "utf8").split(/\r?\n/);
  if (lines.length > MAX_ROWS) throw new Error(`${file}: more than ${MAX_ROWS} lines`);
  const names = splitLine(header);
  return lines
    .filter((line) => line !== "")
    .map((line, index) => {
      const fields = splitLine(line);
      const entries = names.map((name, column) => [name, fields[column]] as const);
      const row = rowSchema.safeParse(Object.fromEntries(entries));
      if (row.success && fields.length === names.length) return row.data;
      throw new Error(`${file}: line ${index + 2}: not a listed security`);
    });
}
