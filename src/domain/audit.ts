import type { Fingerprint } from "./belief.ts";
import { mixWords } from "./fingerprint.ts";
import type { EpochMs } from "./time.ts";

/**
 * How Postgres can differ from what a group believes of a minute that it owes.
 * - `missing_in_postgres`: the group believes in a bar, and Postgres has none.
 * - `differs`: both have a bar, with other values.
 * - `revision`: the same values under another revision number.
 * - `unknown_to_group`: Postgres has a bar that the group does not believe in.
 * - `unknown_hole`: Postgres has a hole of which the group knows nothing.
 */
export const AUDIT_KINDS = [
  "missing_in_postgres",
  "differs",
  "revision",
  "unknown_to_group",
  "unknown_hole",
] as const;
export type AuditKind = (typeof AUDIT_KINDS)[number];

/** How many differences of each kind. */
export type AuditCounts = Record<AuditKind, number>;

/** A bar as both sides compare it. */
export interface AuditBar {
  readonly ts: EpochMs;
  readonly revision: number;
  readonly fingerprint: Fingerprint;
}

/** The bars of one symbol in a window, whatever their order: how many, and 64 bits of all of them. */
export interface AuditSum {
  readonly bars: number;
  readonly checksum: Fingerprint;
}

/** A difference. `revision`: the highest number that either side knows of the bar; null: a hole. */
export interface AuditDifference {
  readonly kind: AuditKind;
  readonly ts: EpochMs;
  readonly revision: number | null;
}

const TWO_32 = 2 ** 32;
const words = new Uint32Array(5);

export const NO_BARS: AuditSum = { bars: 0, checksum: [0, 0] };

/**
 * Counts one more bar in. The parts are added modulo 2^32, so that their order does not matter; each is
 * mixed with its minute first, so that two bars which change places are seen.
 */
export function withBar(sum: AuditSum, { ts, revision, fingerprint }: AuditBar): AuditSum {
  words[0] = ts % TWO_32;
  words[1] = Math.floor(ts / TWO_32);
  words[2] = revision;
  words[3] = fingerprint[0];
  words[4] = fingerprint[1];
  const [high, low] = mixWords(words);
  return {
    bars: sum.bars + 1,
    checksum: [(sum.checksum[0] + high) >>> 0, (sum.checksum[1] + low) >>> 0],
  };
}

/** Whether both sides have the same bars, but once in 2^64. */
export function isSameSum(a: AuditSum, b: AuditSum): boolean {
  return a.bars === b.bars && a.checksum[0] === b.checksum[0] && a.checksum[1] === b.checksum[1];
}

/** What is held against each other of one symbol; `lost`: minutes that the group has found out already. */
export interface AuditSides {
  readonly believed: readonly AuditBar[];
  readonly lost: readonly EpochMs[];
  readonly stored: readonly AuditBar[];
}

/** Every minute of a symbol in which its bars differ, ascending. */
export function compareBars({ believed, lost, stored }: AuditSides): AuditDifference[] {
  const storedAt = new Map(stored.map((bar) => [bar.ts, bar]));
  const differences: AuditDifference[] = [];
  for (const bar of believed) {
    const { ts, revision } = bar;
    const found = storedAt.get(ts);
    storedAt.delete(ts);
    if (found === undefined) {
      differences.push({ kind: "missing_in_postgres", ts, revision });
      continue;
    }
    const isEqual =
      found.fingerprint[0] === bar.fingerprint[0] && found.fingerprint[1] === bar.fingerprint[1];
    if (isEqual && found.revision === revision) continue;
    differences.push({
      kind: isEqual ? "revision" : "differs",
      ts,
      revision: Math.max(revision, found.revision),
    });
  }
  for (const ts of lost) storedAt.delete(ts);
  for (const { ts, revision } of storedAt.values())
    differences.push({ kind: "unknown_to_group", ts, revision });
  return differences.toSorted((a, b) => a.ts - b.ts);
}

/** No difference of any kind. */
export function noDifferences(): AuditCounts {
  return {
    missing_in_postgres: 0,
    differs: 0,
    revision: 0,
    unknown_to_group: 0,
    unknown_hole: 0,
  };
}
