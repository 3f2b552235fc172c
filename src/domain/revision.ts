import type { Belief, Fingerprint, Source } from "./belief.ts";
import { feedRank } from "./provider-id.ts";
import type { EpochMs } from "./time.ts";

/** A bar as an answer brings it. `settle` marks the pass after the close. */
export interface IncomingBar {
  readonly source: Source;
  readonly askedAt: EpochMs;
  readonly fingerprint: Fingerprint;
  readonly settle: boolean;
}

/**
 * What an incoming bar does to a belief.
 * - `first`: there was no bar; it is taken whoever gave it.
 * - `updated`: it replaces the values (a new revision).
 * - `same`: equal values; only `askedAt` (and the owner) move on.
 * - `stale`: the same source was asked later already.
 * - `agreed`, `disagreed`: another source without the right to revise; nothing changes.
 */
export type Verdict = "first" | "updated" | "same" | "stale" | "agreed" | "disagreed";

/**
 * Who may revise a stored bar: the provider and feed that gave it, when asked later; a feed of
 * higher rank; the settle pass, which owns the bar from then on unless its feed is of lower rank.
 * Between providers `askedAt` says nothing, so everybody else only agrees or disagrees. A bar that was
 * lost is taken from anybody, save from an answer of its own source that is older than the one it was in.
 */
export function judge(belief: Belief, incoming: IncomingBar): Verdict {
  if (belief.state !== "bar" && belief.state !== "lost") return "first";
  const sameSource =
    belief.source.provider === incoming.source.provider &&
    belief.source.feed === incoming.source.feed;
  if (belief.state === "lost")
    return sameSource && incoming.askedAt < belief.askedAt ? "stale" : "updated";
  const equal =
    belief.fingerprint[0] === incoming.fingerprint[0] &&
    belief.fingerprint[1] === incoming.fingerprint[1];
  if (sameSource && incoming.askedAt <= belief.askedAt) return "stale";
  const rank = feedRank(incoming.source.feed) - feedRank(belief.source.feed);
  const entitled = sameSource || rank > 0 || (incoming.settle && rank === 0);
  if (entitled) return equal ? "same" : "updated";
  return equal ? "agreed" : "disagreed";
}

/** The belief after `judge` said first, updated or same. */
export function revised(
  belief: Belief,
  incoming: IncomingBar,
  verdict: "first" | "updated" | "same",
): Belief {
  const before = belief.state === "bar" || belief.state === "lost" ? belief.revision : -1;
  return {
    state: "bar",
    source: incoming.source,
    revision: verdict === "same" ? before : before + 1,
    askedAt: incoming.askedAt,
    fingerprint: incoming.fingerprint,
  };
}
