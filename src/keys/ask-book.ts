import type { KeyGrant, KeyLookup } from "../contracts/keys.ts";
import { configStoreStub } from "../platform/stubs.ts";
import { withTimeout } from "../platform/timers.ts";

/** A book that is slower is away: nobody waits for it longer. */
const ASK_TIMEOUT_MS = 2_000;

/** What a key grants; null when there is none. Rejects when the book does not answer in time. */
export async function askGrant(env: Env, lookup: KeyLookup): Promise<KeyGrant | null> {
  return await inTime(() => configStoreStub(env).keyGrant(lookup));
}

/** What these keys grant; those that are not in the book are left out. Rejects like `askGrant`. */
export async function askGrants(env: Env, ids: readonly string[]): Promise<KeyGrant[]> {
  return await inTime(() => configStoreStub(env).keyGrants(ids));
}

async function inTime<T>(ask: () => Promise<T>): Promise<T> {
  return await withTimeout(ASK_TIMEOUT_MS, async (signal) => {
    const late = new Promise<never>((_, reject) => {
      signal.addEventListener("abort", () => reject(new Error("ConfigStore is late")));
    });
    return await Promise.race([ask(), late]);
  });
}
