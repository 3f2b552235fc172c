import { z } from "zod";
import type { EpochMs } from "../domain/time.ts";

/** What a key is for. A key with role `ops` may do all. */
export const KEY_ROLES = ["read", "metrics", "ops"] as const;
export type KeyRole = (typeof KEY_ROLES)[number];

/** The name by which the secret `BOOTSTRAP_KEY` is told of: it stands in no book and is always of role ops. */
export const BOOTSTRAP_ID = "bootstrap";

/** The rates that a key can have, requests a minute: each is a rate-limit binding of its own. */
export const REQUEST_RATES = [60, 600, 6_000] as const;
export type RequestRate = (typeof REQUEST_RATES)[number];

/** Connections that a key may have on one host object, at most and unless it has fewer. */
export const MAX_KEY_CONNECTIONS = 1_024;

/** What one key may use up. */
export interface KeyLimits {
  /** As the rate-limit binding counts: in each of Cloudflare's locations for itself. */
  readonly requestsPerMinute: RequestRate;
  /** Sockets on one host object. */
  readonly connectionsPerHost: number;
}

export const DEFAULT_KEY_LIMITS: KeyLimits = {
  requestsPerMinute: 600,
  connectionsPerHost: MAX_KEY_CONNECTIONS,
};

export const MAX_KEY_NAME = 80;
const MAX_CHARS_OF_ID = 40;
/** Ids of keys that are asked about at once; a host has at most so many different ones. */
export const MAX_ASKED_KEYS = 1_000;
/** Keys that one report of use tells of. */
export const MAX_USE_ROWS = 1_000;

const idSchema = z.string().min(1).max(MAX_CHARS_OF_ID);
const instantSchema = z.number().int().nonnegative();
/** SHA-256 of a key, as hex. */
const digestSchema = z.string().regex(/^[0-9a-f]{64}$/);

const limitsSchema = z.object({
  requestsPerMinute: z.literal(REQUEST_RATES),
  connectionsPerHost: z.number().int().min(1).max(MAX_KEY_CONNECTIONS),
});

/** A key to be kept: whoever makes it keeps its text, and hands over the digest alone. */
export const newKeySchema = z.object({
  name: z.string().min(1).max(MAX_KEY_NAME),
  role: z.enum(KEY_ROLES),
  limits: limitsSchema,
  digest: digestSchema,
  /** Null: until it is revoked. */
  expiresMs: instantSchema.nullable(),
});
export type NewKey = z.infer<typeof newKeySchema>;

/** A successor of a key: both hold for `overlapMs`. `expiresMs` absent: it lives as long as the old one was made for. */
export const rotationSchema = z.object({
  id: idSchema,
  digest: digestSchema,
  overlapMs: z.number().int().nonnegative(),
  expiresMs: instantSchema.nullable().optional(),
});
export type Rotation = z.infer<typeof rotationSchema>;

/** How a key is asked for: by the digest of its text, or by its id. */
export const keyLookupSchema = z.union([
  z.object({ digest: digestSchema }).strict(),
  z.object({ id: idSchema }).strict(),
]);
export type KeyLookup = z.infer<typeof keyLookupSchema>;

export const keyIdsSchema = z.array(idSchema).max(MAX_ASKED_KEYS);

/** What was done with a key since the last report of one isolate. */
export const keyUseSchema = z.object({
  id: idSchema,
  requests: z.number().int().nonnegative(),
  /** Of these: answered with 401, 403 or 429. */
  refused: z.number().int().nonnegative(),
  lastMs: instantSchema,
});
export type KeyUse = z.infer<typeof keyUseSchema>;
export const keyUsesSchema = z.array(keyUseSchema).max(MAX_USE_ROWS);

/** What a key grants and until when, wall ms; nothing of the key itself. */
export interface KeyGrant {
  readonly id: string;
  readonly role: KeyRole;
  readonly limits: KeyLimits;
  readonly expiresMs: EpochMs | null;
  readonly revokedMs: EpochMs | null;
}

/** What is known of how a key is used; requests that were counted last may lack. */
export interface KeyUsage {
  readonly requests: number;
  readonly refused: number;
  readonly lastUsedMs: EpochMs | null;
}

/** A key as the book tells of it: never its text, never its digest. */
export interface KeyRecord extends KeyGrant {
  readonly name: string;
  readonly createdMs: EpochMs;
  /** The key that this one was made to replace, and the one that was made to replace it. */
  readonly replaces: string | null;
  readonly replacedBy: string | null;
  readonly usage: KeyUsage;
}

/** A page of the book, newest first; `bootstrap` is how the secret is used. */
export interface KeyPage {
  readonly keys: readonly KeyRecord[];
  readonly bootstrap: KeyUsage;
}

/** How the making of a key ended. `full`: there are as many that hold as there may be. */
export type KeyMade =
  | { readonly kind: "made"; readonly record: KeyRecord }
  | { readonly kind: "full" }
  | { readonly kind: "unknown" }
  | { readonly kind: "ended" };
