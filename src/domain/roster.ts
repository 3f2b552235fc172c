import type { TierSizes } from "./credit-reach.ts";
import type { Tier } from "./tier.ts";
import type { EpochMs } from "./time.ts";

/** A group is polled in one job; a deployment with more symbols a group needs more groups. */
export const MAX_GROUP_MEMBERS = 1_000;

/**
 * A symbol as its group knows it. `slot` is its place in the group's compact per-minute data, `sid`
 * its number in the whole universe; both are append-only. Before `sinceMs` its minutes are unknown,
 * not expected.
 */
export interface Member {
  readonly slot: number;
  readonly symbol: string;
  readonly sid: number;
  readonly tier: Tier;
  readonly sinceMs: EpochMs;
  readonly active: boolean;
}

/** The members of a group in slot order. A longer roster reads whatever a shorter one wrote. */
export class Roster {
  readonly members: readonly Member[];
  #slots: ReadonlyMap<string, number>;

  constructor(members: readonly Member[]) {
    this.members = members.toSorted((a, b) => a.slot - b.slot);
    this.members.forEach((member, slot) => {
      if (member.slot !== slot) throw new RangeError(`slot ${slot} of the roster is empty`);
    });
    this.#slots = new Map(this.members.map((member) => [member.symbol, member.slot]));
  }

  get length(): number {
    return this.members.length;
  }

  slotOf(symbol: string): number | undefined {
    return this.#slots.get(symbol);
  }

  /** Whether a regular minute of this slot is expected to have an answer. */
  expects(slot: number, ts: EpochMs): boolean {
    const member = this.members[slot];
    return member !== undefined && member.active && ts >= member.sinceMs;
  }

  /** How many active symbols each tier has. */
  tierSizes(): TierSizes {
    const sizes = { T0: 0, T1: 0, T2: 0 };
    for (const { active, tier } of this.members) sizes[tier] += active ? 1 : 0;
    return sizes;
  }

  /** Symbols that are polled, in slot order. */
  activeSymbols(): string[] {
    return this.members.filter((member) => member.active).map((member) => member.symbol);
  }
}
