import type { Split } from "../domain/split.ts";
import type { EpochMs } from "../domain/time.ts";
import type { SqlClient } from "./sql-client.ts";

/** The splits of some symbols as they were known at a time. None are stored yet. */
export async function readSplits(
  _sql: SqlClient,
  _symbols: readonly string[],
  _asOfMs: EpochMs,
): Promise<Split[]> {
  return await Promise.resolve([]);
}
