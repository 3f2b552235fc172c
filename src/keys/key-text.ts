import { MADE_KEY_PREFIX } from "../platform/secrets.ts";

/** 256 bits: nobody guesses one. */
const KEY_BYTES = 32;
const ID_BYTES = 8;
const MADE_KEY = new RegExp(`^${MADE_KEY_PREFIX}[A-Za-z0-9_-]{43}$`);

/** A new key: random, with a prefix by which scanners of code and logs know it. */
export function makeKeyText(): string {
  return MADE_KEY_PREFIX + toBase64Url(randomBytes(KEY_BYTES));
}

/** A new id of a key: it says nothing of the key and may stand in logs and audits. */
export function makeKeyId(): string {
  return `k_${toHex(randomBytes(ID_BYTES))}`;
}

/** Whether a text has the form of the keys that are made here: no other one is looked up. */
export function isMadeKey(text: string): boolean {
  return MADE_KEY.test(text);
}

/**
 * What is kept of a key: SHA-256, as hex. A slow hash would guard secrets that people choose; of 256 random
 * bits nobody finds the text behind a digest, however fast he can try.
 */
export async function digestOf(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return toHex(new Uint8Array(digest));
}

/** Whether two digests are the same, in a time that does not tell where they differ. */
export function isSameDigest(a: string, b: string): boolean {
  const encoder = new TextEncoder();
  const [left, right] = [encoder.encode(a), encoder.encode(b)];
  return left.byteLength === right.byteLength && crypto.subtle.timingSafeEqual(left, right);
}

function randomBytes(count: number): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(count));
}

function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function toBase64Url(bytes: Uint8Array): string {
  const text = btoa(String.fromCharCode(...bytes));
  return text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
