import type { MinuteState } from "./minute-state.ts";

/**
 * The states of a group's members at one minute as text, a character a slot. An upper-case letter
 * changed in the flush that carries it, so a reader of a few members can tell whether it concerns them.
 */
const LETTERS: Record<MinuteState | "not_expected", string> = {
  bar: "b",
  no_trade: "n",
  pending: "p",
  missing: "m",
  unfillable: "u",
  not_expected: "-",
};

/** One character of a minute's states. */
export function stateLetter(state: MinuteState | "not_expected", changed: boolean): string {
  return changed ? LETTERS[state].toUpperCase() : LETTERS[state];
}

/** `[minute, expected, got, no_trade, missing, pending]`; the last four add up to the second. */
export type ManifestEntry = readonly [number, number, number, number, number, number];

/**
 * The manifest of one minute for the members in `mask` (a byte a slot, non-zero = wanted; null =
 * all), or null when nothing of it changed for them. Unfillable counts as missing.
 */
export function countStates(
  minute: number,
  states: string,
  mask: Uint8Array | null,
): ManifestEntry | null {
  let changed = false;
  let got = 0;
  let noTrade = 0;
  let missing = 0;
  let pending = 0;
  for (let slot = 0; slot < states.length; slot += 1) {
    if (mask !== null && (mask[slot] ?? 0) === 0) continue;
    const code = states.charCodeAt(slot);
    if (code >= 65 && code <= 90) changed = true;
    switch (code | 0x20) {
      case 98:
        got += 1;
        break;
      case 110:
        noTrade += 1;
        break;
      case 109:
      case 117:
        missing += 1;
        break;
      case 112:
        pending += 1;
        break;
    }
  }
  return changed
    ? [minute, got + noTrade + missing + pending, got, noTrade, missing, pending]
    : null;
}
