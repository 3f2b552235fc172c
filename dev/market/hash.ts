/**
 * Random numbers without state: the n-th draw of a stream is a function of (seed, n, salt), so any
 * minute of any symbol can be asked first, last or never and is the same.
 */

/** Bijective 32-bit finalizer of MurmurHash3 (Austin Appleby, public domain): every bit avalanches. */
function finalize(value: number): number {
  let hash = value | 0;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** A uniform 32-bit integer of a stream (`seed`), a place in it (`at`) and what it is for (`salt`). */
export function hash32(seed: number, at: number, salt: number): number {
  return finalize(seed + Math.imul(at, 0x9e3779b1) + Math.imul(salt, 0x7feb352d));
}

/** The same as a number in [0, 1). */
export function hashUnit(seed: number, at: number, salt: number): number {
  return hash32(seed, at, salt) / 0x1_0000_0000;
}
