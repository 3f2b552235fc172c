import { formatToken, type Position } from "../stream/token.ts";

/**
 * What may be acknowledged of what the consumer took, given how far the service has sent each stream on this
 * connection; null when that is nothing. The service takes a token whole or not at all, so one item of a stream
 * that is not followed, of an epoch before a hand-off, or ahead of what was sent would block all others.
 */
export function ackToken(
  consumed: ReadonlyMap<string, Position>,
  sent: ReadonlyMap<string, Position>,
): string | null {
  const items = [...consumed].flatMap(([stream, position]): [string, Position][] => {
    const last = sent.get(stream);
    if (last?.epoch !== position.epoch || position.fs > last.fs) return [];
    // A hand-off may end later than the last flush that the service has sent.
    return [[stream, position.at <= last.at ? position : { ...position, at: last.at }]];
  });
  return items.length === 0 ? null : formatToken(items);
}
