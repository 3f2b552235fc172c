import type { Settings } from "../env.ts";
import type { KeyRole } from "./route-role.ts";

/** The key of an `Authorization` header; null when it has none. */
export function bearerKey(header: string | undefined): string | null {
  return /^Bearer (\S+)$/i.exec(header ?? "")?.[1] ?? null;
}

/** The role of a key, null when there is no such key. Compared in constant time. */
export async function roleOfKey(key: string, settings: Settings): Promise<KeyRole | null> {
  return (await isSameKey(key, settings.bootstrapKey)) ? "ops" : null;
}

/** Digests are compared, so neither length nor content of the right key shows in the time taken. */
async function isSameKey(given: string, expected: string): Promise<boolean> {
  const encoder = new TextEncoder();
  const [a, b] = await Promise.all(
    [given, expected].map((key) => crypto.subtle.digest("SHA-256", encoder.encode(key))),
  );
  return a !== undefined && b !== undefined && crypto.subtle.timingSafeEqual(a, b);
}
