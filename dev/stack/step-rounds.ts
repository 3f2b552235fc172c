import type { EpochMs } from "../../src/domain/time.ts";

/** An object whose duties are run by the driver of market time, and not by its alarm. */
interface Steppable {
  /** Runs what is due until nothing of it is due or running; answers its next due instant. */
  runUntilQuiet(): Promise<EpochMs | null>;
}

/** Objects that are run side by side, after those of the phases before. */
export type Phase = readonly Steppable[];

/** A round handed work on: so many in one step are none of a market's, but two objects in a circle. */
const MAX_ROUNDS = 50;
/**
 * Runs all objects, phase by phase, until the stack is at rest at market time `nowMs`; answers its next
 * due instant. `handedOver` counts whatever may give an object work after it has come to rest: the calls
 * of the runner, by which a group scatters, a coordinator hands out, and a queue has its holes filled. An object hands on by itself to later phases only, so a round without such a call has
 * left nothing behind. Throws when the stack does not come to rest.
 */
export async function runUntilRest(
  phases: readonly Phase[],
  nowMs: EpochMs,
  handedOver: () => number,
): Promise<EpochMs | null> {
  for (let round = 1; round <= MAX_ROUNDS; round += 1) {
    const before = handedOver();
    const due = await runOnce(phases);
    const isAtRest = handedOver() === before && due.every((dueMs) => dueMs > nowMs);
    if (isAtRest) return due.length === 0 ? null : Math.min(...due);
  }
  throw new Error(`the stack does not come to rest in ${MAX_ROUNDS} rounds`);
}

async function runOnce(phases: readonly Phase[]): Promise<EpochMs[]> {
  const due: (EpochMs | null)[] = [];
  for (const phase of phases)
    due.push(...(await Promise.all(phase.map((object) => object.runUntilQuiet()))));
  return due.filter((dueMs) => dueMs !== null);
}
