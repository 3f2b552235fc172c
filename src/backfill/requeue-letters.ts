import type { OfferAnswer, OfferedHole, SymbolRange } from "../contracts/backfill.ts";
import type { Death } from "../contracts/dead-letter.ts";
import { errorText, log } from "../platform/log.ts";
import type { StoredLetter } from "../postgres/dead-letter-row.ts";

/** What requeueing acts through: the queue of the letters' tier, their groups, and Postgres. */
export interface RequeueDeps {
  /** How many of `wanted` may be requeued now, and how long to wait when it is none. */
  readonly takeLeave: (wanted: number) => Promise<{ granted: number; waitMs: number }>;
  /** Puts holes into the queue; one that it holds already is taken again and changes nothing. */
  readonly offer: (holes: readonly OfferedHole[]) => Promise<OfferAnswer>;
  /** Tells a group that dead holes of it are in their queue again. */
  readonly reopen: (group: number, ranges: readonly SymbolRange[]) => Promise<void>;
  /** Marks the deaths as requeued; answers the ids of those that were dead until then. */
  readonly mark: (deaths: readonly Death[]) => Promise<readonly string[]>;
}

/**
 * How a requeue ended. `limited`: there is no leave before `waitMs`; `full`: the queue took none of them;
 * `group_away`: the queue has them, no group could be told. In all three every letter is as dead as before.
 */
export type RequeueOutcome =
  | { readonly kind: "limited"; readonly waitMs: number }
  | { readonly kind: "full" }
  | { readonly kind: "group_away"; readonly error: string }
  | {
      readonly kind: "requeued";
      /** In no order; letters that are not here had no leave, no place, or a group that is away. */
      readonly ids: readonly string[];
      readonly isFull: boolean;
      readonly waitMs: number;
    };

/**
 * Puts dead letters of one tier back into their queue. The order makes a crash anywhere harmless: the letter is
 * dead until all else is done, and doing it again merges with what the queue holds.
 */
export async function requeueLetters(
  letters: readonly StoredLetter[],
  deps: RequeueDeps,
): Promise<RequeueOutcome> {
  const { granted, waitMs } = await deps.takeLeave(letters.length);
  if (granted <= 0) return { kind: "limited", waitMs };
  const allowed = letters.slice(0, granted);
  const { taken } = await deps.offer(allowed.map(toHole));
  if (taken <= 0) return { kind: "full" };
  const { told, error } = await reopenAll(allowed.slice(0, taken), deps);
  if (told.length === 0) return { kind: "group_away", error: error ?? "" };
  const ids = await deps.mark(told.map(({ id, diedMs }) => ({ id, diedMs })));
  return { kind: "requeued", ids, isFull: taken < allowed.length, waitMs };
}

/** A group keeps the holes of minutes only. One that is away must not hold back the others. */
async function reopenAll(
  letters: readonly StoredLetter[],
  deps: RequeueDeps,
): Promise<{ told: StoredLetter[]; error: string | null }> {
  const told = letters.filter(({ interval }) => interval !== "1m");
  const byGroup = Map.groupBy(
    letters.filter(({ interval }) => interval === "1m"),
    ({ group }) => group,
  );
  let error: string | null = null;
  for (const [group, own] of byGroup) {
    try {
      await deps.reopen(group, own.map(toRange));
      told.push(...own);
    } catch (fault) {
      error = errorText(fault);
      log("warn", "a group was not told of requeued holes", { group, error });
    }
  }
  return { told, error };
}

/** What of a letter a group is told. */
export function toRange({ symbol, startMs, endMs }: StoredLetter): SymbolRange {
  return { symbol, startMs, endMs };
}

function toHole(letter: StoredLetter): OfferedHole {
  const { group, interval, priority } = letter;
  return { ...toRange(letter), group, interval, priority };
}
