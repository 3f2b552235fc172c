import type { Flush } from "../contracts/flush.ts";
import { type FlushPlace, placesOf, withOnly } from "../contracts/flush-parts.ts";
import type { RefusedEntry } from "../postgres/park-store.ts";
import type { SqlFault } from "../postgres/sql-error.ts";

/**
 * How the search for what is refused came out: the entries, or the fault that ends it. `too_many`: whatever
 * refuses so much is not the rows' fault, so nothing is parked.
 */
export type RefusedEntries =
  | { readonly kind: "found"; readonly entries: readonly RefusedEntry[] }
  | { readonly kind: "too_many" | "failed"; readonly fault: SqlFault };

/**
 * Finds what Postgres refuses in a flush by halving it: `tryPart` tries to store a part and takes it back,
 * null meaning that it is good. At most `limit` entries are looked for; each costs about twice the
 * logarithm of the flush's length in trials.
 */
export async function findRefused(
  flush: Flush,
  tryPart: (part: Flush) => Promise<SqlFault | null>,
  limit: number,
): Promise<RefusedEntries> {
  const entries: RefusedEntry[] = [];
  const pending: FlushPlace[][] = [placesOf(flush)];
  for (;;) {
    const places = pending.pop();
    if (places === undefined) return { kind: "found", entries };
    if (places.length === 0) continue;
    const fault = await tryPart(withOnly(flush, places));
    if (fault === null) continue;
    if (fault.kind !== "row_fault") return { kind: "failed", fault };
    const [only] = places;
    if (places.length === 1 && only !== undefined) {
      if (entries.length === limit) return { kind: "too_many", fault };
      entries.push({ ...only, fault });
      continue;
    }
    const middle = Math.ceil(places.length / 2);
    pending.push(places.slice(middle), places.slice(0, middle));
  }
}
