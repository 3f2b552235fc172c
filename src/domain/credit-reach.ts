import { type Tier, TIERS } from "./tier.ts";

/** How many symbols each tier has. */
export type TierSizes = Readonly<Record<Tier, number>>;

/** What asking for all symbols costs at one provider. */
export interface AskingCost {
  /** Symbols that one call answers for; `all`: the whole market. */
  readonly symbolsPerCall: number | "all";
  /** Jobs among which the symbols are spread: a call serves symbols of one job only. */
  readonly jobs: number;
  /** How often a minute each symbol is asked for. */
  readonly roundsPerMinute: number;
}

/** How far the calls of a minute reach. */
export interface CreditReach {
  readonly neededCallsPerMinute: number;
  readonly carried: TierSizes;
  readonly beyond: TierSizes;
}

/**
 * Which symbols the calls of a plan carry, T0 first. Calls count as equally full, so half of the needed
 * calls carry half of the symbols.
 */
export function creditReach(
  sizes: TierSizes,
  cost: AskingCost,
  callsPerMinute: number,
): CreditReach {
  const total = sizeOf(sizes);
  const neededCallsPerMinute = callsARound(total, cost) * cost.roundsPerMinute;
  const share = neededCallsPerMinute === 0 ? 1 : Math.min(callsPerMinute / neededCallsPerMinute, 1);
  let left = Math.floor(total * share + 1e-9);
  const carried = { T0: 0, T1: 0, T2: 0 };
  const beyond = { T0: 0, T1: 0, T2: 0 };
  for (const tier of TIERS) {
    carried[tier] = Math.min(sizes[tier], left);
    beyond[tier] = sizes[tier] - carried[tier];
    left -= carried[tier];
  }
  return { neededCallsPerMinute, carried, beyond };
}

/** Symbols of all tiers together. */
export function sizeOf(sizes: TierSizes): number {
  return TIERS.reduce((sum, tier) => sum + sizes[tier], 0);
}

/** Calls that ask for every symbol once, the symbols being spread evenly over the jobs. */
function callsARound(symbols: number, { symbolsPerCall, jobs }: AskingCost): number {
  if (symbols === 0) return 0;
  if (symbolsPerCall === "all") return 1;
  const least = Math.floor(symbols / jobs);
  const larger = symbols % jobs;
  const calls = (inJob: number) => Math.ceil(inJob / symbolsPerCall);
  return larger * calls(least + 1) + (jobs - larger) * calls(least);
}
