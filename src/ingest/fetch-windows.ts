import type { GroupFetch, OwnedRange } from "../contracts/group-fetch.ts";
import type { ProviderId } from "../domain/provider-id.ts";
import type { TimeRange } from "../domain/time.ts";

/** A fetch is asked in at most so many windows; one that is more mixed is asked as a whole. */
const MAX_WINDOWS = 3;

/** A part of a fetch, and who is asked first for it; null: as the policy says. */
export interface FetchWindow extends TimeRange {
  readonly prefer: ProviderId | null;
}

/**
 * The windows of a fetch: minutes whose bars another provider gave are asked of that one, if it is
 * `usable`, since only it may correct them; all others of whoever the policy chooses.
 */
export function fetchWindows(
  fetch: Pick<GroupFetch, "start_ms" | "end_ms" | "owners">,
  chosen: ProviderId | null,
  usable: ReadonlySet<ProviderId>,
): FetchWindow[] {
  const whole = { startMs: fetch.start_ms, endMs: fetch.end_ms, prefer: null };
  const foreign = fetch.owners.filter(
    ({ provider }) => provider !== chosen && usable.has(provider),
  );
  const windows = cut(whole, foreign);
  return windows.length > MAX_WINDOWS ? [whole] : windows;
}

function cut(whole: FetchWindow, foreign: readonly OwnedRange[]): FetchWindow[] {
  const windows: FetchWindow[] = [];
  let fromMs = whole.startMs;
  for (const { startMs, endMs, provider } of foreign) {
    if (startMs > fromMs) windows.push({ startMs: fromMs, endMs: startMs, prefer: null });
    windows.push({ startMs, endMs, prefer: provider });
    fromMs = endMs;
  }
  if (fromMs < whole.endMs) windows.push({ startMs: fromMs, endMs: whole.endMs, prefer: null });
  return windows;
}

/** Whether a fetch holds bars of anybody but the first provider of the policy. */
export function hasForeignOwner(
  fetch: Pick<GroupFetch, "owners">,
  first: ProviderId | undefined,
): boolean {
  return fetch.owners.some(({ provider }) => provider !== first);
}
