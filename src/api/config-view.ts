import { z } from "@hono/zod-openapi";
import { type ConfigChange, diffConfig } from "../config/diff-config.ts";
import type { ObjectConfig } from "../config/push-config.ts";
import { serviceConfigSchema } from "../contracts/config.ts";
import { CONFIG_ORIGINS, type ConfigVersion } from "../contracts/config-version.ts";
import { toIso } from "../domain/time.ts";

const changesSchema = z.array(
  z.object({
    path: z.string().describe("JSON path (RFC 9535)"),
    before: z.unknown(),
    after: z.unknown(),
  }),
);
const checksSchema = z.array(
  z.object({
    check: z.string(),
    path: z.string(),
    verdict: z.enum(["ok", "warning", "fault"]),
    detail: z.string(),
    numbers: z.record(z.string(), z.union([z.number(), z.string(), z.null()])),
  }),
);
const objectsSchema = z.array(
  z.object({
    object: z.string(),
    /** The version that it holds; null when it did not answer. */
    version: z.number().nullable(),
    /** The lowest that it acted by in the last five minutes; null: it did not act. */
    lowest: z.number().nullable(),
    error: z.string().nullable(),
  }),
);
const headSchema = z.object({
  version: z.number().int(),
  origin: z.enum(CONFIG_ORIGINS),
  actor: z.string(),
  reason: z.string().nullable(),
  since: z.iso.datetime(),
});

/** The active configuration, and who is behind it. */
export const activeConfigSchema = headSchema.extend({
  config: serviceConfigSchema,
  in_force: z.object({
    version: z.number().int(),
    fault: z.string().nullable().describe("Why the active version is not in force"),
  }),
  variables_differ: z
    .boolean()
    .describe("The deployment's variables have changed since: they are not in this version"),
  current: z.number().int().describe("Objects that hold the version in force"),
  behind: objectsSchema,
});

/** What a change did, or, with `dry_run`, would do. */
export const changedConfigSchema = z.object({
  dry_run: z.boolean(),
  /** The active version now. */
  version: z.number().int(),
  changed: z.boolean().describe("False when nothing differs: no version is made"),
  changes: changesSchema,
  checks: checksSchema,
  confirmed: z.array(z.string()).describe("Objects that hold this version now"),
  unconfirmed: objectsSchema.describe("Objects that learn of it at their next act, within 5 s"),
});

/** A page of versions, newest first. */
export const configVersionsSchema = z.object({
  versions: z.array(
    headSchema.extend({
      changes: changesSchema
        .nullable()
        .describe("To the version before; null when that one is not kept any more"),
    }),
  ),
  next_page_token: z.string().nullable(),
});

/** A version with its whole body, as it was written. */
export const oneConfigVersionSchema = headSchema.extend({
  schema_version: z.number().int(),
  config: z.looseObject({}),
  changes: changesSchema.nullable(),
});

/** What is told of a version wherever it is shown. */
export function versionView({ version, origin, actor, reason, atMs }: ConfigVersion) {
  return { version, origin, actor, reason, since: toIso(atMs) };
}

/** What a version changed; null when the one before is not known. */
export function changesOf(
  version: ConfigVersion,
  before: ConfigVersion | null,
): ConfigChange[] | null {
  if (before === null) return version.version === 1 ? [] : null;
  return diffConfig(JSON.parse(before.body), JSON.parse(version.body));
}

/** Objects that hold another version, or do not answer. */
export function behindView(objects: readonly ObjectConfig[], version: number) {
  return objects
    .filter(({ held }) => held?.version !== version)
    .map(({ object, held, error }) => ({
      object,
      version: held?.version ?? null,
      lowest: held?.lowest ?? null,
      error,
    }));
}
