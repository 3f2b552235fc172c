import { z } from "zod";
import {
  KEY_ROLES,
  type KeyGrant,
  type KeyRecord,
  type KeyUsage,
  MAX_KEY_CONNECTIONS,
  REQUEST_RATES,
} from "../contracts/keys.ts";

const instant = z.number().nullable();

const grantSchema = z.object({
  id: z.string(),
  role: z.enum(KEY_ROLES),
  requests_per_minute: z.literal(REQUEST_RATES),
  connections_per_host: z.number().int().min(1).max(MAX_KEY_CONNECTIONS),
  expires: instant,
  revoked: instant,
});

const usageSchema = z.object({ requests: z.number(), refused: z.number(), last_used: instant });

const recordSchema = grantSchema.extend({
  name: z.string(),
  created: z.number(),
  replaces: z.string().nullable(),
  replaced_by: z.string().nullable(),
  ...usageSchema.shape,
});

/** What every row of a grant is read from. */
export const GRANT_COLUMNS =
  "k.id, k.role, k.requests_per_minute, k.connections_per_host, k.expires, k.revoked";

/** A whole row: the key, who replaced it, and how it is used. */
export const RECORD_SELECT = `SELECT ${GRANT_COLUMNS}, k.name, k.created, k.replaces,
    (SELECT s.id FROM api_key s WHERE s.replaces = k.id ORDER BY s.created DESC, s.id DESC LIMIT 1)
      AS replaced_by,
    coalesce(u.requests, 0) AS requests, coalesce(u.refused, 0) AS refused, u.last_used
  FROM api_key k LEFT JOIN key_use u ON u.id = k.id`;

/** A row of `GRANT_COLUMNS`. */
export function toGrant(row: unknown): KeyGrant {
  return grantOf(grantSchema.parse(row));
}

/** A row of `RECORD_SELECT`. */
export function toRecord(row: unknown): KeyRecord {
  const parsed = recordSchema.parse(row);
  const { name, created, replaces, replaced_by: replacedBy } = parsed;
  const usage = usageOf(parsed);
  return { ...grantOf(parsed), name, createdMs: created, replaces, replacedBy, usage };
}

/** A row of `key_use`; none yet: never used. */
export function toUsage(row: unknown): KeyUsage {
  if (row === undefined) return { requests: 0, refused: 0, lastUsedMs: null };
  return usageOf(usageSchema.parse(row));
}

function grantOf(row: z.infer<typeof grantSchema>): KeyGrant {
  const { id, role, expires: expiresMs, revoked: revokedMs } = row;
  const limits = {
    requestsPerMinute: row.requests_per_minute,
    connectionsPerHost: row.connections_per_host,
  };
  return { id, role, limits, expiresMs, revokedMs };
}

function usageOf({ requests, refused, last_used }: z.infer<typeof usageSchema>): KeyUsage {
  return { requests, refused, lastUsedMs: last_used };
}
