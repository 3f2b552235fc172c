import type { UniverseRow } from "./universe-row.ts";

/**
 * What a refresh did to a symbol: it came, left or came back; its tier or name is another; `details`
 * (exchange, type or FIGI) became known or changed; `renamed`: its security had another symbol
 * before; `reused`: the symbol is another security's now, and the old series ends.
 */
export const CHANGE_KINDS = [
  "added",
  "removed",
  "returned",
  "tier",
  "name",
  "details",
  "renamed",
  "reused",
] as const;
export type ChangeKind = (typeof CHANGE_KINDS)[number];

/** A change of one symbol: the whole row behind it, so that a version can be read without the others. */
export interface UniverseChange {
  readonly symbol: string;
  /** In the order of `CHANGE_KINDS`. */
  readonly kinds: readonly ChangeKind[];
  readonly before: UniverseRow | null;
  readonly after: UniverseRow;
}

/** What differs between two rows of a symbol; nothing when only counters do. */
export function changeOf(before: UniverseRow | undefined, after: UniverseRow): UniverseChange[] {
  const differs: Record<ChangeKind, boolean> = {
    added: before === undefined,
    removed: before?.active === true && !after.active,
    returned: before?.active === false && after.active,
    tier: before !== undefined && before.tier !== after.tier,
    name: before !== undefined && before.name !== after.name,
    details:
      before !== undefined &&
      (before.exchange !== after.exchange ||
        before.type !== after.type ||
        before.figi !== after.figi),
    renamed: after.renamedFrom !== null && before?.renamedFrom !== after.renamedFrom,
    reused: before !== undefined && before.reusedOn !== after.reusedOn,
  };
  const kinds = CHANGE_KINDS.filter((kind) => differs[kind]);
  if (kinds.length === 0) return [];
  return [{ symbol: after.symbol, kinds, before: before ?? null, after }];
}
