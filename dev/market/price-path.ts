import { hash32 } from "./hash.ts";

/** Octaves of 1, 4, 16 … 65,536 minutes: the slowest wave is about 168 trading sessions long. */
const OCTAVES = 9;
const HALF_RANGE = 0x8000_0000;

/**
 * Factors on a symbol's base price at the start of minute `at` (an integer of trading minutes) and at
 * its end, which is the start of the next: a bar's close is the next bar's open.
 *
 * Fractal value noise: lattice points hashed into [-1, 1), joined by straight lines, each octave four
 * times as long and twice as high as the one below, so that the path spreads with the square root of
 * time as prices do, and yet any minute costs the same. The log stays within 511 `sigma`.
 */
export function pricesAt(
  seed: number,
  sigma: number,
  at: number,
): { readonly open: number; readonly close: number } {
  let openSum = 0;
  let closeSum = 0;
  let amplitude = 1;
  for (let octave = 0; octave < OCTAVES; octave += 1) {
    const shift = octave * 2;
    const cell = at >> shift;
    const from = hash32(seed, cell, 100 + octave) / HALF_RANGE - 1;
    const to = hash32(seed, cell + 1, 100 + octave) / HALF_RANGE - 1;
    const step = (to - from) / (1 << shift);
    // Both ends of the minute lie in one cell: the end of its last minute is the next lattice point.
    const offset = at - (cell << shift);
    openSum += amplitude * (from + step * offset);
    closeSum += amplitude * (from + step * (offset + 1));
    amplitude *= 2;
  }
  return { open: Math.exp(sigma * openSum), close: Math.exp(sigma * closeSum) };
}
