import { z } from "@hono/zod-openapi";
import {
  DEFAULT_KEY_LIMITS,
  KEY_ROLES,
  type KeyLimits,
  type KeyRecord,
  type KeyUsage,
  MAX_KEY_CONNECTIONS,
  REQUEST_RATES,
} from "../contracts/keys.ts";
import { type EpochMs, toIso } from "../domain/time.ts";
import { keyStanding } from "../keys/key-standing.ts";

const { requestsPerMinute, connectionsPerHost } = DEFAULT_KEY_LIMITS;

/** Limits as they are given and shown. */
export const limitsSchema = z
  .object({
    requests_per_minute: z
      .literal(REQUEST_RATES)
      .default(requestsPerMinute)
      .openapi({
        enum: [...REQUEST_RATES],
        description: "Counted in each of the network's locations for itself",
      }),
    connections_per_host: z
      .number()
      .int()
      .min(1)
      .max(MAX_KEY_CONNECTIONS)
      .default(connectionsPerHost)
      .describe("Sockets on one of the objects that hold connections"),
  })
  .strict();

const instant = z.iso.datetime();

/** How a key, or the bootstrap key, is used. */
export const usageSchema = z.object({
  requests: z.number().int(),
  refused: z.number().int().describe("Of the requests: answered with 401, 403 or 429"),
  last_used_at: instant.nullable(),
});

/** A key as it is shown: never its text, which nobody knows any more, and never its digest. */
export const keySchema = z.object({
  id: z.string(),
  name: z.string(),
  role: z.enum(KEY_ROLES),
  status: z.enum(["valid", "expired", "revoked"]),
  created_at: instant,
  expires_at: instant.nullable(),
  revoked_at: instant.nullable(),
  replaces: z.string().nullable(),
  replaced_by: z.string().nullable(),
  limits: limitsSchema,
  usage: usageSchema,
});

/** A key that was just made, with its text: shown this once. */
export const madeKeySchema = keySchema.extend({
  key: z.string().describe("The key. It is not shown again: what is kept is its digest"),
});

/** Limits as they were given. */
export function toLimits(given: z.output<typeof limitsSchema>): KeyLimits {
  return {
    requestsPerMinute: given.requests_per_minute,
    connectionsPerHost: given.connections_per_host,
  };
}

/** A key as it is shown at a time, wall ms. */
export function keyView(record: KeyRecord, nowMs: EpochMs): z.output<typeof keySchema> {
  const { id, name, role, replaces, replacedBy, limits, usage } = record;
  return {
    id,
    name,
    role,
    status: keyStanding(record, nowMs),
    created_at: toIso(record.createdMs),
    expires_at: isoOrNull(record.expiresMs),
    revoked_at: isoOrNull(record.revokedMs),
    replaces,
    replaced_by: replacedBy,
    limits: {
      requests_per_minute: limits.requestsPerMinute,
      connections_per_host: limits.connectionsPerHost,
    },
    usage: usageView(usage),
  };
}

/** Usage as it is shown. */
export function usageView({
  requests,
  refused,
  lastUsedMs,
}: KeyUsage): z.output<typeof usageSchema> {
  return { requests, refused, last_used_at: isoOrNull(lastUsedMs) };
}

function isoOrNull(ms: EpochMs | null): string | null {
  return ms === null ? null : toIso(ms);
}
