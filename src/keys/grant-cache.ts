import type { KeyGrant, KeyLookup } from "../contracts/keys.ts";

/** A verdict is as old as this at most: a key that is revoked is refused everywhere after it. */
export const FRESH_MS = 5_000;
/** While the book does not answer, what was found last holds on for so long. */
export const HOLD_MS = 300_000;
/** A book that did not answer is left alone for so long, if what it said last still holds. */
const RETRY_MS = 1_000;
/** Keys that are remembered, and texts that were found to be none. */
const MAX_REMEMBERED = 1_000;

/** What the cache needs: the book, and the machine's time. */
export interface GrantCacheDeps {
  readonly read: (lookup: KeyLookup) => Promise<KeyGrant | null>;
  readonly now: () => number;
}

/** `turned_away`: it is not known here, and whoever asks may not have it looked up. */
export type Found =
  | { readonly kind: "known"; readonly grant: KeyGrant }
  | { readonly kind: "unknown" }
  | { readonly kind: "turned_away" }
  | { readonly kind: "unavailable"; readonly error: unknown };

interface Entry {
  readonly grant: KeyGrant;
  /** When the question was sent that this is the answer to. */
  readonly askedMs: number;
  /** When the book last did not answer; null: it did. */
  readonly failedMs: number | null;
}

/**
 * What keys grant, as this isolate knows it: asked again when it is 5 s old. While the book is away, a key that
 * was known holds on for five minutes, and one that was not is nobody's to judge.
 */
export class GrantCache {
  #deps: GrantCacheDeps;
  #known = new Map<string, Entry>();
  #unknown = new Map<string, number>();

  constructor(deps: GrantCacheDeps) {
    this.#deps = deps;
  }

  /** `admit` is asked before a key that is not known here is looked up, or called unknown once more. */
  async find(lookup: KeyLookup, admit: () => Promise<boolean>): Promise<Found> {
    const name = "id" in lookup ? lookup.id : lookup.digest;
    const entry = this.#known.get(name);
    const nowMs = this.#deps.now();
    if (entry !== undefined && this.#mayStand(entry, nowMs)) return known(entry);
    if (entry === undefined) {
      if (!(await admit())) return { kind: "turned_away" };
      const unknownMs = this.#unknown.get(name);
      if (unknownMs !== undefined && nowMs - unknownMs < FRESH_MS) return { kind: "unknown" };
    }
    try {
      const grant = await this.#deps.read(lookup);
      return this.#learn(name, grant, nowMs);
    } catch (error) {
      return this.#hold(name, error);
    }
  }

  #mayStand({ askedMs, failedMs }: Entry, nowMs: number): boolean {
    if (nowMs - askedMs < FRESH_MS) return true;
    return failedMs !== null && nowMs - failedMs < RETRY_MS && nowMs - askedMs < HOLD_MS;
  }

  #learn(name: string, grant: KeyGrant | null, askedMs: number): Found {
    if (grant === null) {
      this.#known.delete(name);
      remember(this.#unknown, name, askedMs);
      return { kind: "unknown" };
    }
    this.#unknown.delete(name);
    const entry = { grant, askedMs, failedMs: null };
    // Of two answers that cross, the later question's is right.
    if ((this.#known.get(name)?.askedMs ?? 0) <= askedMs) remember(this.#known, name, entry);
    return known(entry);
  }

  #hold(name: string, error: unknown): Found {
    const entry = this.#known.get(name);
    const nowMs = this.#deps.now();
    if (entry === undefined || nowMs - entry.askedMs >= HOLD_MS)
      return { kind: "unavailable", error };
    remember(this.#known, name, { ...entry, failedMs: nowMs });
    return known(entry);
  }
}

function known({ grant }: Entry): Found {
  return { kind: "known", grant };
}

/** Puts an item last; the one that was put longest ago goes when there are too many. */
function remember<T>(items: Map<string, T>, name: string, item: T): void {
  items.delete(name);
  items.set(name, item);
  const [oldest] = items.keys();
  if (items.size > MAX_REMEMBERED && oldest !== undefined) items.delete(oldest);
}
