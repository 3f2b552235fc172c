import { type Split, splitKey } from "./split.ts";

/** A split as it is stored; `cancelled`: its source has withdrawn it. */
export interface StoredSplit extends Split {
  readonly source: string;
  readonly cancelled: boolean;
}

/** What an answer changes in what is stored. */
export interface SplitChanges {
  /** New ones, those with another ratio, and those that are told of again. */
  readonly put: readonly Split[];
  /** Told of before by the same source, and not any more. */
  readonly withdrawn: readonly StoredSplit[];
  /** More were missing than can be believed: none of them is withdrawn. */
  readonly isDoubted: boolean;
}

/** So few may always be withdrawn at once. */
const FEW = 3;

/**
 * Compares a whole answer of a source with all that is stored of the same dates. Absence needs evidence: an
 * answer that lacks more than half of what its source said before is broken rather than news.
 * What another source told of is changed by a ratio that differs, and not withdrawn.
 */
export function splitChanges(
  stored: readonly StoredSplit[],
  answered: readonly Split[],
  source: string,
): SplitChanges {
  const known = new Map(stored.map((split) => [splitKey(split), split]));
  const told = new Set(answered.map(splitKey));
  const put = answered.filter((split) => {
    const before = known.get(splitKey(split));
    if (before === undefined || before.cancelled) return true;
    return before.from !== split.from || before.to !== split.to;
  });
  const own = stored.filter((split) => split.source === source && !split.cancelled);
  const missing = own.filter((split) => !told.has(splitKey(split)));
  const isDoubted = missing.length > FEW && missing.length * 2 > own.length;
  return { put, withdrawn: isDoubted ? [] : missing, isDoubted };
}
