import { fnv1a32, groupOf } from "../domain/symbol.ts";

/**
 * The group that hosts a connection: the home of its symbols when they share one, else the highest
 * rendezvous hash (Thaler and Ravishankar, 1998) of connection and group, so that connections spread
 * evenly and every Worker finds the same host.
 */
export function chooseHost(
  connection: string,
  symbols: readonly string[],
  symbolGroups: number,
): number {
  const homes = new Set(symbols.map((symbol) => groupOf(symbol, symbolGroups)));
  const [only] = homes;
  if (homes.size === 1 && only !== undefined && !symbols.includes("*")) return only;
  let best = 0;
  let highest = -1;
  for (let group = 0; group < symbolGroups; group += 1) {
    const weight = spread(fnv1a32(`${connection}/${group}`));
    if (weight > highest) {
      highest = weight;
      best = group;
    }
  }
  return best;
}

/** MurmurHash3's finalizer (Austin Appleby): FNV-1a alone leaves the high bits of short texts alike. */
function spread(hash: number): number {
  let h = hash ^ (hash >>> 16);
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
