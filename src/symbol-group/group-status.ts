import type { TierSizes } from "../domain/credit-reach.ts";
import type { EpochMs } from "../domain/time.ts";
import type { DrainNote } from "./drain-notes.ts";
import type { Ledger } from "./ledger.ts";
import type { StreamOutlet } from "./stream-outlet.ts";

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
  /** What an operator has to know of the last day's drains. */
  readonly drainNotes: readonly DrainNote[];
  readonly connections: number;
}

/** The status of a group from its ledger and its streams' ways out. */
export function groupStatus(
  group: number,
  ledger: Ledger,
  outlets: readonly Pick<StreamOutlet, "drainFault" | "drainNotes">[],
  connections: number,
): GroupStatus {
  const { stream, roster } = ledger;
  return {
    group,
    members: roster.length,
    tiers: roster.tierSizes(),
    watermarkMs: ledger.watermarkMs(),
    epoch: stream.epoch(),
    headFs: stream.head().fs,
    drainedFs: stream.drainedFs(),
    undrainedOldestMs: stream.backlog().oldestAsOf,
    drainFault:
      outlets.map((outlet) => outlet.drainFault()).find((fault) => fault !== null) ?? null,
    drainNotes: outlets.flatMap((outlet) => outlet.drainNotes()),
    connections,
  };
}
