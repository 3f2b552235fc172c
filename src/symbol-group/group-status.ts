import type { TierSizes } from "../domain/credit-reach.ts";
import type { EpochMs } from "../domain/time.ts";
import type { Ledger } from "./ledger.ts";
import type { UnservedTask } from "./unserved-book.ts";

/** How a group is doing, for readiness and for people. */
export interface GroupStatus {
  readonly group: number;
  readonly members: number;
  readonly tiers: TierSizes;
  readonly watermarkMs: EpochMs | null;
  readonly epoch: string;
  readonly headFs: number;
  readonly drainedFs: number;
  readonly undrainedOldestMs: EpochMs | null;
  readonly drainFault: string | null;
  readonly connections: number;
  /** What of the whole service no configured key serves (group g00 only). */
  readonly unserved: readonly UnservedTask[];
}

/** What of a status the ledger does not know. */
type Beside = Pick<GroupStatus, "group" | "connections" | "unserved">;

/** The status of a group from its ledger; `drainFaults` are those of its streams, null where there is none. */
export function groupStatus(
  beside: Beside,
  ledger: Ledger,
  drainFaults: readonly (string | null)[],
): GroupStatus {
  const { stream, roster } = ledger;
  return {
    ...beside,
    members: roster.length,
    tiers: roster.tierSizes(),
    watermarkMs: ledger.watermarkMs(),
    epoch: stream.epoch(),
    headFs: stream.head().fs,
    drainedFs: stream.drainedFs(),
    undrainedOldestMs: stream.backlog().oldestAsOf,
    drainFault: drainFaults.find((fault) => fault !== null) ?? null,
  };
}
