import { type KeyUse, MAX_USE_ROWS } from "../contracts/keys.ts";

/** What was done with keys since it was last told: counted here, added up in the book. */
export class UseTally {
  #uses = new Map<string, KeyUse>();

  /** A request with a key; of keys beyond the bound it is not counted. */
  note(id: string, refused: boolean, nowMs: number): void {
    this.#add({ id, requests: 1, refused: refused ? 1 : 0, lastMs: nowMs });
  }

  /** All that was counted, which is then told. */
  take(): KeyUse[] {
    const uses = [...this.#uses.values()];
    this.#uses.clear();
    return uses;
  }

  /** What could not be told after all. */
  putBack(uses: readonly KeyUse[]): void {
    for (const use of uses) this.#add(use);
  }

  #add({ id, requests, refused, lastMs }: KeyUse): void {
    const known = this.#uses.get(id);
    if (known === undefined && this.#uses.size >= MAX_USE_ROWS) return;
    this.#uses.set(id, {
      id,
      requests: requests + (known?.requests ?? 0),
      refused: refused + (known?.refused ?? 0),
      lastMs: Math.max(lastMs, known?.lastMs ?? 0),
    });
  }
}
