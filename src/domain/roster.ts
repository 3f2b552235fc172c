import type { TierSizes } from "./credit-reach.ts";
import { hasMinuteBars, type Tier, TIERS } from "./tier.ts";
import type { EpochMs } from "./time.ts";
import type { TradingDate } from "./trading-date.ts";

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
  /** When the symbol was last given to another security; null when it never was. */
  readonly reusedOn: TradingDate | null;
}

/** A symbol of the group as the universe lists it now. */
export type ListedMember = Pick<Member, "symbol" | "sid" | "tier" | "reusedOn">;

/** From when on a member is owed minutes that was owed none: one that joins, or another security. */
export interface OwedSince {
  readonly joinedMs: EpochMs;
  readonly reusedMs: EpochMs;
}

/**
 * A member as the universe lists it now. It is owed minutes anew when it is new, when it was not owed any
 * until now (inactive, or T2), or when its symbol is another security's: of that one nothing older is.
 */
export function listedMember(
  known: Member | undefined,
  listed: ListedMember,
  slot: number,
  since: OwedSince,
): Member {
  const member = { ...listed, slot, active: true };
  if (known !== undefined && known.reusedOn !== listed.reusedOn)
    return { ...member, sinceMs: since.reusedMs };
  const goesOn =
    known !== undefined &&
    known.active &&
    (hasMinuteBars(known.tier) || !hasMinuteBars(listed.tier));
  return { ...member, sinceMs: goesOn ? known.sinceMs : since.joinedMs };
}

/** The members of a group in slot order. A longer roster reads whatever a shorter one wrote. */
export class Roster {
  readonly members: readonly Member[];
  #slots: ReadonlyMap<string, number>;
  /** By slot; never is Infinity. Asked for each minute and member, so worked out once. */
  #expectedFrom: Float64Array;

  constructor(members: readonly Member[]) {
    this.members = members.toSorted((a, b) => a.slot - b.slot);
    this.members.forEach((member, slot) => {
      if (member.slot !== slot) throw new RangeError(`slot ${slot} of the roster is empty`);
    });
    this.#expectedFrom = Float64Array.from(this.members, (member) =>
      isPolled(member) ? member.sinceMs : Infinity,
    );
    this.#slots = new Map(this.members.map((member) => [member.symbol, member.slot]));
  }

  get length(): number {
    return this.members.length;
  }

  slotOf(symbol: string): number | undefined {
    return this.#slots.get(symbol);
  }

  /** From when regular minutes of this slot are expected to have an answer; null: none are. */
  expectedFrom(slot: number): EpochMs | null {
    const fromMs = this.#expectedFrom[slot] ?? Infinity;
    return fromMs === Infinity ? null : fromMs;
  }

  /** Whether a regular minute of this slot is expected to have an answer. */
  expects(slot: number, ts: EpochMs): boolean {
    return ts >= (this.#expectedFrom[slot] ?? Infinity);
  }

  /** How many active symbols each tier has. */
  tierSizes(): TierSizes {
    const sizes = { T0: 0, T1: 0, T2: 0 };
    for (const { active, tier } of this.members) sizes[tier] += active ? 1 : 0;
    return sizes;
  }

  /** Members whose minutes are polled, in slot order. */
  polled(): Member[] {
    return this.members.filter(isPolled);
  }

  /**
   * Symbols whose minutes are polled, T0 first: where a call answers for one symbol, credits that do
   * not reach for all reach for them.
   */
  polledSymbols(): string[] {
    return this.polled()
      .toSorted((a, b) => TIERS.indexOf(a.tier) - TIERS.indexOf(b.tier))
      .map(({ symbol }) => symbol);
  }

  /** Whether any symbol's minutes are polled. */
  hasPolled(): boolean {
    return this.members.some(isPolled);
  }
}

/** Only tiers with minutes are polled; T2 has daily bars alone. */
function isPolled(member: Member): boolean {
  return member.active && hasMinuteBars(member.tier);
}
