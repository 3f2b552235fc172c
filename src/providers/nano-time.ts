import type { EpochMs } from "../domain/time.ts";

/** An instant to the nanosecond: whole milliseconds, and the nanoseconds after them (0 to 999,999). */
export interface NanoTime {
  readonly ts: EpochMs;
  readonly nsOfMs: number;
}

const NS_DIGITS_OF_MS = 6;
const FRACTION = /\.(\d+)/;

/** An RFC 3339 text with a fraction of any length; what is finer than a nanosecond is cut. */
export function parseRfc3339(text: string): NanoTime {
  const fraction = (FRACTION.exec(text)?.[1] ?? "").padEnd(9, "0").slice(0, 9);
  const wholeMs = Date.parse(text.replace(FRACTION, ""));
  return { ts: wholeMs + Number(fraction.slice(0, 3)), nsOfMs: Number(fraction.slice(3)) };
}

/** Nanoseconds since 1970 as decimal digits (see `quoteNanos`). */
export function parseEpochNs(digits: string): NanoTime {
  const padded = digits.padStart(NS_DIGITS_OF_MS + 1, "0");
  return {
    ts: Number(padded.slice(0, -NS_DIGITS_OF_MS)),
    nsOfMs: Number(padded.slice(-NS_DIGITS_OF_MS)),
  };
}

/**
 * JSON text with the integers of 16 to 19 digits of the named members put in quotes, so that parsing
 * keeps them: nanoseconds since 1970 exceed 2^53 and a double is off by up to 128 ns. It can't match
 * inside a string: there the quote after the name would be escaped.
 */
export function quoteNanos(json: string, members: readonly string[]): string {
  const pattern = new RegExp(`("(?:${members.join("|")})"\\s*:\\s*)(\\d{16,19})(?![\\d.eE])`, "g");
  return json.replace(pattern, '$1"$2"');
}
