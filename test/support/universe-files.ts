import { existsSync } from "node:fs";
import { join } from "node:path";
import type { ListedSymbol } from "../../dev/market/market.ts";
import { shuffleListing } from "../../dev/market/symbol-listing.ts";
import { loadUniverseFile } from "../../dev/market/universe-file.ts";

const folder = join(process.env["MDS_SHARED"] ?? "../shared", "data/universe");

/** Whether the directory of US equities is there; says so when it is not. */
export function hasUniverseFiles(): boolean {
  const found = existsSync(folder);
  if (found) return true;
  const reason = `skipped: no universe files in ${folder} (set MDS_SHARED)`;
  if (process.env["REQUIRE_ALL"] === "1") throw new Error(reason);
  console.warn(reason);
  return false;
}

/** The directory and the exchanges' test issues together, shuffled, one row in twenty twice. */
export function shuffledDirectory(seed: number): readonly ListedSymbol[] {
  const files = ["us_equities.csv", "test_symbols.csv"];
  const rows = files.flatMap((file) => loadUniverseFile(join(folder, file)));
  return shuffleListing(rows, { seed, repeatRate: 0.05 });
}
