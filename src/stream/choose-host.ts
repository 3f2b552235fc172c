import { fnv1a32, groupOf } from "../domain/symbol.ts";
import { extraHostName, type HostIdentity, type Region } from "../domain/host-name.ts";

/** Who can host: every group, and the host-only instances of the caller's region. */
export interface HostChoice {
  readonly symbolGroups: number;
  readonly region: Region;
  /** How many host-only instances each region has. */
  readonly extraHosts: number;
}

/**
 * The object that hosts a connection: the home of its symbols when they share one, else the highest
 * rendezvous hash (Thaler and Ravishankar, 1998) of connection and host, so that connections spread
 * evenly and every Worker finds the same host.
 */
export function chooseHost(
  connection: string,
  symbols: readonly string[],
  choice: HostChoice,
): HostIdentity {
  const { symbolGroups, region, extraHosts } = choice;
  const homes = new Set(symbols.map((symbol) => groupOf(symbol, symbolGroups)));
  const [only] = homes;
  if (homes.size === 1 && only !== undefined && !symbols.includes("*"))
    return { kind: "group", group: only };
  let best: HostIdentity = { kind: "group", group: 0 };
  let highest = -1;
  const weigh = (mark: string | number, host: HostIdentity) => {
    const weight = spread(fnv1a32(`${connection}/${mark}`));
    if (weight <= highest) return;
    highest = weight;
    best = host;
  };
  for (let group = 0; group < symbolGroups; group += 1) weigh(group, { kind: "group", group });
  for (let number = 0; number < extraHosts; number += 1) {
    weigh(extraHostName({ region, number }), { kind: "extra", region, number });
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
