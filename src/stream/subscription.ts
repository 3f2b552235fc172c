/** A symbol of a home as its followers know it. */
export interface RosterEntry {
  readonly symbol: string;
  readonly sid: number;
}

/** What a connection wants of all streams: everything, or the symbols whose sid is set. */
export interface Subscription {
  readonly star: boolean;
  readonly sids: Uint8Array;
  readonly firstOnly: boolean;
}

export const NO_SUBSCRIPTION: Subscription = {
  star: false,
  sids: new Uint8Array(0),
  firstOnly: false,
};

/** What a subscription wants of one stream. `key` is equal for equal views: they share frames. */
export interface StreamView {
  readonly key: string;
  readonly firstOnly: boolean;
  /** A byte a slot of the home, non-zero = wanted; null = all of them. */
  readonly mask: Uint8Array | null;
  includes(symbol: string): boolean;
}

/** Whether the bit of a sid is set; false beyond the end of the set. */
export function hasSid(sids: Uint8Array, sid: number): boolean {
  return ((sids[sid >> 3] ?? 0) & (1 << (sid & 7))) !== 0;
}

/** The subscription with these sids added. */
export function withSids(subscription: Subscription, added: readonly number[]): Subscription {
  const highest = added.reduce((max, sid) => Math.max(max, sid), 0);
  const sids = new Uint8Array(Math.max(subscription.sids.length, (highest >> 3) + 1));
  sids.set(subscription.sids);
  for (const sid of added) sids[sid >> 3] = (sids[sid >> 3] ?? 0) | (1 << (sid & 7));
  return { ...subscription, sids };
}

/** The subscription with these sids taken away. */
export function withoutSids(subscription: Subscription, removed: readonly number[]): Subscription {
  const sids = subscription.sids.slice();
  for (const sid of removed) {
    const byte = sids[sid >> 3];
    if (byte !== undefined) sids[sid >> 3] = byte & ~(1 << (sid & 7));
  }
  return { ...subscription, sids };
}

/** How many symbols are set. */
export function countSids(subscription: Subscription): number {
  let count = 0;
  for (const byte of subscription.sids) {
    for (let bits = byte; bits !== 0; bits &= bits - 1) count += 1;
  }
  return count;
}

/** What a subscription wants of a home with this roster; null when it is nothing. */
export function viewOf(
  subscription: Subscription,
  roster: readonly RosterEntry[],
): StreamView | null {
  const { firstOnly } = subscription;
  if (subscription.star)
    return { key: `*${firstOnly}`, firstOnly, mask: null, includes: () => true };
  const mask = new Uint8Array(roster.length);
  const symbols = new Set<string>();
  roster.forEach((entry, slot) => {
    if (!hasSid(subscription.sids, entry.sid)) return;
    mask[slot] = 1;
    symbols.add(entry.symbol);
  });
  if (symbols.size === 0) return null;
  const key = `${[...symbols].join(" ")}|${firstOnly}`;
  return { key, firstOnly, mask, includes: (symbol) => symbols.has(symbol) };
}
