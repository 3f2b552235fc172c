import type { Bar } from "./bar.ts";
import type { Belief, Source } from "./belief.ts";
import type { Calendar } from "./calendar.ts";
import { fingerprintOf } from "./fingerprint.ts";
import { judge, revised, type Verdict } from "./revision.ts";
import type { EpochMs } from "./time.ts";
import { formatTradingDate } from "./trading-date.ts";
import { DAY_MS } from "./time.ts";

/** What an answer's bars have in common. */
export interface BarOrigin {
  readonly source: Source;
  readonly askedAt: EpochMs;
  readonly settle: boolean;
}

/** What a bar did to a belief; `revision` is set when the bar is to be stored, under that number. */
export interface TakenBar {
  readonly verdict: Verdict;
  readonly belief: Belief;
  readonly revision: number | null;
}

/** How many bars got which verdict. */
export type VerdictCounts = Record<Verdict, number>;

/** No bar judged yet. */
export function noVerdicts(): VerdictCounts {
  return { first: 0, updated: 0, same: 0, stale: 0, agreed: 0, disagreed: 0 };
}

/** Holds a bar against what is believed, in whichever lane it comes. */
export function takeBar(
  before: Belief,
  bar: Bar,
  { source, askedAt, settle }: BarOrigin,
): TakenBar {
  const incoming = { source, askedAt, settle, fingerprint: fingerprintOf(bar) };
  const verdict = judge(before, incoming);
  if (verdict !== "first" && verdict !== "updated" && verdict !== "same") {
    return { verdict, belief: before, revision: null };
  }
  const belief = revised(before, incoming, verdict);
  const isStored = verdict !== "same" && belief.state === "bar";
  return { verdict, belief, revision: isStored ? belief.revision : null };
}

/**
 * The status of a daily bar under its revision number. A first belief is `backfilled` when it was asked for
 * after the next session had opened: until then its own passes bring it.
 */
export function dailyStatus(
  revision: number,
  ts: EpochMs,
  askedAt: EpochMs,
  calendar: Calendar,
): "first" | "updated" | "backfilled" {
  if (revision > 0) return "updated";
  const session = calendar.session(formatTradingDate(ts / DAY_MS));
  if (session === undefined) return "first";
  return askedAt >= calendar.nextSession(session.openMs).openMs ? "backfilled" : "first";
}
