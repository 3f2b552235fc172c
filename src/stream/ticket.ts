import { z } from "zod";
import { isHostName } from "../domain/host-name.ts";

/** A ticket is valid this long, wall clock: the time that a browser needs to open its socket. */
export const TICKET_TTL_MS = 30_000;
/** No ticket is longer; what is, is not looked at. */
export const MAX_TICKET_CHARS = 256;

const VERSION = "t2";
const KEY_PURPOSE = "market-data-service/stream-ticket/v1";

/**
 * The right to open one socket: the id that its connection will have, the object that hosts it (where the
 * ticket is burned, whatever the request that brings it looks like), the id of the key that bought it (which
 * has to hold when the ticket is used, too), and when it ends, wall ms.
 */
export interface Ticket {
  readonly connection: string;
  readonly host: string;
  readonly key: string;
  readonly expiresMs: number;
}

/** What a text is: a ticket that holds, one that has expired, or nothing that this deployment gave out. */
export type TicketCheck =
  | { readonly kind: "valid"; readonly ticket: Ticket }
  | { readonly kind: "expired" }
  | { readonly kind: "forged" };

const fieldsSchema = z.object({
  connection: z.uuid(),
  host: z.string().refine(isHostName),
  key: z.string().regex(/^[a-z0-9_]{1,40}$/),
  /** One spelling for each instant: base 36 without leading zeros. */
  expiresMs: z
    .string()
    .regex(/^[1-9a-z][0-9a-z]{0,9}$/)
    .transform((text) => Number.parseInt(text, 36)),
});

type HmacKey = Awaited<ReturnType<typeof crypto.subtle.importKey>>;

/** Hex, unlike base64, spells a code in one way only. */
const CODE_PATTERN = /^[0-9a-f]{64}$/;

/** The text of a ticket: its fields, and the HMAC-SHA-256 over them as hex. */
export async function sealTicket(ticket: Ticket, secret: string): Promise<string> {
  const { connection, host, key, expiresMs } = ticket;
  const body = [VERSION, connection, host, key, expiresMs.toString(36)].join(".");
  const code = await crypto.subtle.sign("HMAC", await ticketKey(secret), bytesOf(body));
  return `${body}.${toHex(new Uint8Array(code))}`;
}

/** Reads a ticket; that it has expired is told only of one that was really given out. */
export async function openTicket(
  text: string,
  secret: string,
  nowMs: number,
): Promise<TicketCheck> {
  const parts = text.length > MAX_TICKET_CHARS ? [] : text.split(".");
  const [version, connection, host, key, expires, code, ...rest] = parts;
  if (version !== VERSION || code === undefined || rest.length > 0 || !CODE_PATTERN.test(code))
    return { kind: "forged" };
  const body = text.slice(0, text.lastIndexOf("."));
  // The platform compares in constant time.
  const macKey = await ticketKey(secret);
  const genuine = await crypto.subtle.verify("HMAC", macKey, fromHex(code), bytesOf(body));
  if (!genuine) return { kind: "forged" };
  const fields = fieldsSchema.safeParse({ connection, host, key, expiresMs: expires });
  if (!fields.success) return { kind: "forged" };
  return fields.data.expiresMs <= nowMs
    ? { kind: "expired" }
    : { kind: "valid", ticket: fields.data };
}

/** A key of its own, derived (HKDF, RFC 5869) from a secret that is used for something else as well. */
async function ticketKey(secret: string): Promise<HmacKey> {
  const known = keys.get(secret);
  if (known !== undefined) return await known;
  const made = deriveKey(secret);
  keys.clear();
  keys.set(secret, made);
  return await made;
}

// One deployment has one secret; the last one used is kept.
const keys = new Map<string, Promise<HmacKey>>();

async function deriveKey(secret: string): Promise<HmacKey> {
  const base = await crypto.subtle.importKey("raw", bytesOf(secret), "HKDF", false, ["deriveKey"]);
  return await crypto.subtle.deriveKey(
    { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(0), info: bytesOf(KEY_PURPOSE) },
    base,
    { name: "HMAC", hash: "SHA-256", length: 256 },
    false,
    ["sign", "verify"],
  );
}

function bytesOf(text: string) {
  return new TextEncoder().encode(text);
}

function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function fromHex(text: string) {
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}
