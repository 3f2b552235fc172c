import { MAX_CONNECTION_SYMBOLS } from "../contracts/stream.ts";
import { countSids, type Subscription } from "./subscription.ts";

/** Whether a subscription names more symbols than a connection may have, each counted once. */
export function isBeyondSymbolLimit({ channels }: Subscription): boolean {
  const sets = Array.from(channels.values(), ({ sids }) => sids);
  const union = new Uint8Array(Math.max(0, ...sets.map((sids) => sids.length)));
  for (const sids of sets) {
    for (const [at, byte] of sids.entries()) union[at] = (union[at] ?? 0) | byte;
  }
  return countSids(union) > MAX_CONNECTION_SYMBOLS;
}
