import type { Tier } from "../../src/domain/tier.ts";
import { TIERS } from "../../src/domain/tier.ts";
import type { EpochMs, TimeRange } from "../../src/domain/time.ts";
import { MINUTE_MS, SECOND_MS } from "../../src/domain/time.ts";
import type { Fault, ScheduledFault } from "../sandbox/fault.ts";
import type { StoredGap } from "./gap-events.ts";

/** Faults in which nothing of a provider can be had: no answer, or a server's failure. */
const DARK_FAULTS: ReadonlySet<Fault> = new Set([
  "down",
  "server_error",
  "html_502",
  "hang",
  "mute",
]);

/** What the holes of a tier came to that an outage opened, in minutes of symbols. */
export interface TierDrain {
  readonly opened: number;
  /** Those that were filled since, or given up by an operator. */
  readonly filled: number;
  /** Market time from the end of the outage to the last fill, s; null while one is open. */
  readonly drained_after_s: number | null;
}

/** How an outage of all providers was worked off. */
export interface Drain {
  readonly outage_s: number;
  readonly tiers: Readonly<Partial<Record<Tier, TierDrain>>>;
  /** The longest of the tiers, in lengths of the outage; null while a hole is open. */
  readonly drain_ratio: number | null;
}

/** Bounds of an outage's drain: ten times its length for all, 15 market minutes for T0. */
const MAX_RATIO = 10;
const MAX_T0_S = 15 * 60;

/** The longest span in which every provider of the policy is dark; null when there is none. */
export function outageOf(
  faults: readonly ScheduledFault[],
  policy: readonly string[],
  originMs: EpochMs,
): TimeRange | null {
  const dark = faults.filter(
    ({ fault, endpoint }) =>
      DARK_FAULTS.has(fault) && (endpoint === undefined || endpoint === "bars_1m"),
  );
  const edges = [...new Set(dark.flatMap(({ fromMs, toMs }) => [fromMs, toMs]))].toSorted(
    (a, b) => a - b,
  );
  const isDark = (ms: number) =>
    policy.every((name) =>
      dark.some(({ provider, fromMs, toMs }) => provider === name && fromMs <= ms && ms < toMs),
    );
  let longest: TimeRange | null = null;
  let startMs: number | null = null;
  for (const edge of edges) {
    if (isDark(edge)) {
      startMs ??= edge;
      continue;
    }
    if (startMs !== null && (longest === null || edge - startMs > longest.endMs - longest.startMs))
      longest = { startMs, endMs: edge };
    startMs = null;
  }
  if (longest === null) return null;
  return { startMs: originMs + longest.startMs, endMs: originMs + longest.endMs };
}

/**
 * How long it took, by tier, to fill the holes of an outage: those of minutes that began before its end
 * and were opened after its start. `gaps` are in the order of their knowledge.
 */
export function drainOf(gaps: readonly StoredGap[], outage: TimeRange): Drain {
  const outageMs = outage.endMs - outage.startMs;
  const tiers: Partial<Record<Tier, TierDrain>> = {};
  for (const tier of TIERS) {
    const holes = holesOf(
      gaps.filter((gap) => gap.tier === tier),
      outage,
    );
    if (holes.length > 0) tiers[tier] = tierDrain(holes, outage.endMs);
  }
  const after = Object.values(tiers).map((tier) => tier.drained_after_s);
  const isDrained = after.every((seconds) => seconds !== null);
  return {
    outage_s: outageMs / SECOND_MS,
    tiers,
    drain_ratio: isDrained
      ? Math.round((1_000 * Math.max(0, ...after) * SECOND_MS) / outageMs) / 1_000
      : null,
  };
}

/** For each hole minute of the outage when it was filled; null while it is open. */
function holesOf(gaps: readonly StoredGap[], outage: TimeRange): (EpochMs | null)[] {
  const filledAt = new Map<string, EpochMs | null>();
  for (const { symbol, kind, startMs, endMs, asOfMs } of gaps) {
    if (asOfMs < outage.startMs) continue;
    for (let ts = startMs; ts < Math.min(endMs, outage.endMs); ts += MINUTE_MS) {
      const key = `${symbol} ${ts}`;
      if (kind === "open") filledAt.set(key, null);
      // A dead hole is an open one that nobody works at.
      else if (kind !== "dead" && filledAt.get(key) === null) filledAt.set(key, asOfMs);
    }
  }
  return [...filledAt.values()];
}

function tierDrain(holes: readonly (EpochMs | null)[], outageEndMs: EpochMs): TierDrain {
  const filled = holes.filter((atMs) => atMs !== null);
  const lastMs = filled.reduce((last, atMs) => Math.max(last, atMs), outageEndMs);
  return {
    opened: holes.length,
    filled: filled.length,
    drained_after_s: filled.length < holes.length ? null : (lastMs - outageEndMs) / SECOND_MS,
  };
}

/** What of a drain breaks its bounds, in words. */
export function drainFaults({ tiers, drain_ratio: ratio }: Drain): string[] {
  const faults = Object.entries(tiers)
    .filter(([, { opened, filled }]) => filled < opened)
    .map(([tier, { opened, filled }]) => `${opened - filled} holes of ${tier} were left open`);
  if (Object.keys(tiers).length === 0) faults.push("the outage opened no hole");
  if (ratio !== null && ratio >= MAX_RATIO)
    faults.push(`the drain took ${ratio} times the outage, not under ${MAX_RATIO}`);
  const t0 = tiers.T0?.drained_after_s ?? 0;
  if (t0 >= MAX_T0_S) faults.push(`T0 was drained after ${t0} s, not under ${MAX_T0_S}`);
  return faults;
}
