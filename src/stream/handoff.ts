import type { Handoff } from "../contracts/stream.ts";
import { toIso, type EpochMs } from "../domain/time.ts";
import type { StreamView } from "./subscription.ts";
import { formatToken, type Position } from "./token.ts";

/** An address names at most so many symbols; of more it asks for the whole group, and the client filters. */
const MAX_NAMED_SYMBOLS = 50;

/** Of which stream something is handed off, and what of it a client wants. */
export interface HandoffScope {
  readonly stream: string;
  readonly group: number;
  readonly view: StreamView;
}

/**
 * Where to read what became known in `(afterMs, untilMs]`: a diff an interval. Empty knowledge, as when
 * a client is ahead of what Postgres has, is a diff without changes.
 */
export function diffUrls(scope: HandoffScope, afterMs: EpochMs, untilMs: EpochMs): string[] {
  const symbols = namedSymbols(scope.view);
  const intervals = (["bars.1m", "bars.1d"] as const).filter((ch) => scope.view.channels.has(ch));
  return intervals.map((channel) => {
    const query = new URLSearchParams({
      as_of_a: toIso(Math.min(afterMs, untilMs)),
      as_of_b: toIso(untilMs),
      ...(channel === "bars.1m" ? {} : { interval: "1d" }),
      ...(symbols === null ? { group: String(scope.group) } : { symbols: symbols.join(",") }),
    });
    return `/v1/bars/diff?${query.toString()}`;
  });
}

/** Where to read the flushes after a position that are still in the log, but too many for the socket. */
export function replayUrl(scope: HandoffScope, from: Position): string {
  const symbols = namedSymbols(scope.view);
  const query = new URLSearchParams({
    from: formatToken([[scope.stream, from]]),
    ...(symbols === null ? {} : { symbols: symbols.join(",") }),
  });
  return `/v1/stream/replay?${query.toString()}`;
}

/** Addresses to read in their order, and the flush from which on the socket has everything. */
export function handoffOf(urls: readonly string[], joinFs: number): Handoff {
  const [url = "", ...more] = urls;
  return { url, ...(more.length > 0 ? { urls: [url, ...more] } : {}), join_fs: joinFs };
}

function namedSymbols(view: StreamView): string[] | null {
  const names = new Set<string>();
  for (const { symbols } of view.channels.values()) {
    if (symbols === null) return null;
    for (const symbol of symbols) names.add(symbol);
    if (names.size > MAX_NAMED_SYMBOLS) return null;
  }
  return [...names].sort();
}
