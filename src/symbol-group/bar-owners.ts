import type { OwnedRange } from "../contracts/group-fetch.ts";
import type { MinuteBeliefs } from "../domain/belief.ts";
import type { ProviderId } from "../domain/provider-id.ts";
import type { EpochMs, TimeRange } from "../domain/time.ts";
import { MINUTE_MS } from "../domain/time.ts";

/**
 * Whose bars the minutes of a range hold: the provider that gave most of them, as ranges, oldest first.
 * Minutes without a bar belong to nobody.
 */
export function barOwners(
  range: TimeRange,
  beliefsAt: (ts: EpochMs) => MinuteBeliefs,
): OwnedRange[] {
  const ranges: OwnedRange[] = [];
  for (let ts = range.startMs; ts < range.endMs; ts += MINUTE_MS) {
    const provider = ownerOf(beliefsAt(ts));
    if (provider === null) continue;
    const last = ranges.at(-1);
    if (last?.provider === provider && last.endMs === ts) last.endMs = ts + MINUTE_MS;
    else ranges.push({ startMs: ts, endMs: ts + MINUTE_MS, provider });
  }
  return ranges;
}

function ownerOf(beliefs: MinuteBeliefs): ProviderId | null {
  const counts = new Map<ProviderId, number>();
  for (let slot = 0; slot < beliefs.slots; slot += 1) {
    const belief = beliefs.get(slot);
    if (belief.state !== "bar") continue;
    counts.set(belief.source.provider, (counts.get(belief.source.provider) ?? 0) + 1);
  }
  const [most] = [...counts].toSorted(([, a], [, b]) => b - a);
  return most?.[0] ?? null;
}
