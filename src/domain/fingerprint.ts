import type { Bar } from "./bar.ts";
import type { Fingerprint } from "./belief.ts";

const values = new Float64Array(7);
const words = new Uint32Array(values.buffer);

/** Seeds of the two halves. */
const SEEDS = [0x9747b28c, 0x3c6ef372] as const;

/**
 * Fingerprint of a bar's seven values, so that a later answer is compared without keeping the values.
 * `mixWords` over the IEEE 754 bits; two different bars collide once in 2^64.
 */
export function fingerprintOf(bar: Bar): Fingerprint {
  values[0] = bar.open;
  values[1] = bar.high;
  values[2] = bar.low;
  values[3] = bar.close;
  values[4] = bar.volume;
  values[5] = bar.vwap ?? Number.NaN;
  values[6] = bar.tradeCount ?? Number.NaN;
  return mixWords(words);
}

/**
 * 64 bits of some 32-bit words: two multiply-rotate mixes (rounds and constants of MurmurHash3, Austin
 * Appleby, public domain).
 */
export function mixWords(mixed: Uint32Array): Fingerprint {
  return [mix(mixed, SEEDS[0]), mix(mixed, SEEDS[1])];
}

function mix(mixed: Uint32Array, seed: number): number {
  let hash = seed;
  for (let i = 0; i < mixed.length; i += 1) {
    let k = Math.imul(mixed[i] ?? 0, 0xcc9e2d51);
    k = Math.imul((k << 15) | (k >>> 17), 0x1b873593);
    hash ^= k;
    hash = Math.imul((hash << 13) | (hash >>> 19), 5) + 0xe6546b64;
  }
  hash ^= hash >>> 16;
  hash = Math.imul(hash, 0x85ebca6b);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
