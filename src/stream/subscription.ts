import { STREAM_CLASSES, type StreamClass } from "../contracts/flush.ts";
import { type Channel, CHANNEL_CLASS } from "../contracts/stream.ts";

/** A symbol of a home as its followers know it. */
export interface RosterEntry {
  readonly symbol: string;
  readonly sid: number;
}

/** The symbols that a connection takes of one channel: all of the universe, or those whose sid is set. */
export interface SymbolSet {
  readonly star: boolean;
  readonly sids: Uint8Array;
}

/** What a connection wants of all streams; a channel that it did not take stands not in it. */
export interface Subscription {
  readonly channels: ReadonlyMap<Channel, SymbolSet>;
  readonly firstOnly: boolean;
  /** Rows go out as objects with the columns' names instead of as lists. */
  readonly objects: boolean;
}

/** Symbols to add or take away: `*` is the whole universe. */
export type SymbolChoice = "*" | readonly number[];

const NO_SYMBOLS: SymbolSet = { star: false, sids: new Uint8Array(0) };
export const NO_SUBSCRIPTION: Subscription = {
  channels: new Map(),
  firstOnly: false,
  objects: false,
};

/** The symbols of one home that a channel brings. */
export interface SymbolView {
  /** A byte a slot of the home, non-zero = wanted; null = all of them. */
  readonly mask: Uint8Array | null;
  /** Their names; null = all of them. */
  readonly symbols: ReadonlySet<string> | null;
  includes(symbol: string): boolean;
}

/** What a subscription wants of one stream. `key` is equal for equal views: they share frames. */
export interface StreamView {
  readonly key: string;
  readonly firstOnly: boolean;
  readonly objects: boolean;
  readonly channels: ReadonlyMap<Channel, SymbolView>;
}

/** Whether the bit of a sid is set; false beyond the end of the set. */
export function hasSid(sids: Uint8Array, sid: number): boolean {
  return ((sids[sid >> 3] ?? 0) & (1 << (sid & 7))) !== 0;
}

/** The subscription with these symbols added to these channels. */
export function withSymbols(
  subscription: Subscription,
  channels: readonly Channel[],
  added: SymbolChoice,
): Subscription {
  return changed(subscription, channels, (before) =>
    added === "*" ? { ...before, star: true } : { ...before, sids: withSids(before.sids, added) },
  );
}

/** The first subscription with the symbols of the second added. */
export function merged(subscription: Subscription, added: Subscription): Subscription {
  const channels = new Map(subscription.channels);
  for (const [channel, set] of added.channels) {
    const before = channels.get(channel) ?? NO_SYMBOLS;
    channels.set(channel, {
      star: before.star || set.star,
      sids: withBits(before.sids, set.sids),
    });
  }
  return { ...subscription, channels };
}

function withBits(before: Uint8Array, added: Uint8Array): Uint8Array {
  const sids = new Uint8Array(Math.max(before.length, added.length));
  sids.set(before);
  added.forEach((bits, place) => {
    sids[place] = (sids[place] ?? 0) | bits;
  });
  return sids;
}

/** The subscription with these symbols taken off these channels. */
export function withoutSymbols(
  subscription: Subscription,
  channels: readonly Channel[],
  removed: SymbolChoice,
): Subscription {
  return changed(subscription, channels, (before) =>
    removed === "*" ? NO_SYMBOLS : { ...before, sids: withoutSids(before.sids, removed) },
  );
}

function changed(
  subscription: Subscription,
  channels: readonly Channel[],
  change: (before: SymbolSet) => SymbolSet,
): Subscription {
  const after = new Map(subscription.channels);
  for (const channel of channels) {
    const set = change(after.get(channel) ?? NO_SYMBOLS);
    if (set.star || countSids(set.sids) > 0) after.set(channel, set);
    else after.delete(channel);
  }
  return { ...subscription, channels: after };
}

function withSids(before: Uint8Array, added: readonly number[]): Uint8Array {
  const highest = added.reduce((max, sid) => Math.max(max, sid), 0);
  const sids = new Uint8Array(Math.max(before.length, (highest >> 3) + 1));
  sids.set(before);
  for (const sid of added) sids[sid >> 3] = (sids[sid >> 3] ?? 0) | (1 << (sid & 7));
  return sids;
}

function withoutSids(before: Uint8Array, removed: readonly number[]): Uint8Array {
  const sids = before.slice();
  for (const sid of removed) {
    const byte = sids[sid >> 3];
    if (byte !== undefined) sids[sid >> 3] = byte & ~(1 << (sid & 7));
  }
  return sids;
}

/** How many symbols are set. */
export function countSids(sids: Uint8Array): number {
  let count = 0;
  for (const byte of sids) {
    for (let bits = byte; bits !== 0; bits &= bits - 1) count += 1;
  }
  return count;
}

/** The classes of stream that some channels come in. */
export function classesOf(channels: readonly Channel[]): StreamClass[] {
  return STREAM_CLASSES.filter((name) =>
    channels.some((channel) => CHANNEL_CLASS[channel] === name),
  );
}

/** What a subscription wants of a stream of a home with this roster; null when it is nothing. */
export function viewOf(
  subscription: Subscription,
  streamClass: StreamClass,
  roster: readonly RosterEntry[],
): StreamView | null {
  const { firstOnly, objects } = subscription;
  const channels = new Map<Channel, SymbolView>();
  const keys: string[] = [];
  for (const [channel, set] of [...subscription.channels].toSorted(([a], [b]) =>
    a < b ? -1 : 1,
  )) {
    if (CHANNEL_CLASS[channel] !== streamClass) continue;
    const { view, key } = symbolView(set, roster);
    if (view === null) continue;
    channels.set(channel, view);
    keys.push(`${channel}:${key}`);
  }
  if (channels.size === 0) return null;
  return { key: [...keys, firstOnly, objects].join("|"), firstOnly, objects, channels };
}

function symbolView(
  { star, sids }: SymbolSet,
  roster: readonly RosterEntry[],
): { view: SymbolView | null; key: string } {
  if (star) return { view: { mask: null, symbols: null, includes: () => true }, key: "*" };
  const mask = new Uint8Array(roster.length);
  const symbols = new Set<string>();
  roster.forEach((entry, slot) => {
    if (!hasSid(sids, entry.sid)) return;
    mask[slot] = 1;
    symbols.add(entry.symbol);
  });
  if (symbols.size === 0) return { view: null, key: "" };
  return {
    view: { mask, symbols, includes: (symbol) => symbols.has(symbol) },
    key: [...symbols].join(" "),
  };
}
