/**
 * Canonical symbols: upper case, dots between root and suffixes (`BRK.B`, `BAC.PRL`, `KIM.PR`).
 * At most two suffixes of one to three letters.
 */
const CANONICAL_SYMBOL = /^[A-Z]{1,6}(\.[A-Z]{1,3}){0,2}$/;

/** Whether the text is a symbol in the one spelling that the service stores and sends. */
export function isCanonicalSymbol(text: string): boolean {
  return CANONICAL_SYMBOL.test(text);
}

/**
 * 32-bit FNV-1a over the UTF-16 code units (symbols are ASCII, so over the bytes).
 * Source: Fowler, Noll, Vo, draft-eastlake-fnv (offset basis 0x811c9dc5, prime 0x01000193).
 */
export function fnv1a32(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) {
    hash ^= text.charCodeAt(i);
    hash = Math.imul(hash, 0x01000193);
  }
  return hash >>> 0;
}

/** The symbol group that is home of a symbol. Pinned for the life of a deployment. */
export function groupOf(symbol: string, symbolGroups: number): number {
  return fnv1a32(symbol) % symbolGroups;
}

/** Name of a group's Durable Object: `g00` … `g31`. */
export function groupName(group: number): string {
  return `g${String(group).padStart(2, "0")}`;
}
