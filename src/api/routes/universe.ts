import { type OpenAPIHono, z } from "@hono/zod-openapi";
import { isCanonicalSymbol } from "../../domain/symbol.ts";
import { TIERS } from "../../domain/tier.ts";
import { toIso } from "../../domain/time.ts";
import { CHANGE_KINDS } from "../../domain/universe-change.ts";
import { sqlClientOf } from "../../postgres/service-client.ts";
import {
  type KnownChange,
  type KnownSecurity,
  readUniverseAsOf,
  readUniverseChanges,
} from "../../postgres/universe-reads.ts";
import type { ApiEnv } from "../api-env.ts";
import { startOfPage } from "../known-page.ts";
import { registerRead } from "../parameters.ts";
import { countParam, instantParam } from "../query-values.ts";
import { answerRows, formatOf } from "../rows-answer.ts";

const MAX_ROWS = 10_000;

const paging = {
  as_of: instantParam.optional(),
  limit: countParam(1, MAX_ROWS, 1_000),
  page_token: z.string().max(200).optional(),
};

const securitySchema = z.object({
  symbol: z.string(),
  sid: z.number(),
  name: z.string(),
  exchange: z.string(),
  type: z.string(),
  tier: z.enum(TIERS),
  figi: z.string().nullable(),
  first_seen: z.iso.date(),
  renamed_from: z.string().nullable(),
  version: z.number(),
  as_of: z.iso.datetime(),
});

const changeSchema = z.object({
  version: z.number(),
  as_of: z.iso.datetime(),
  date: z.iso.date(),
  symbol: z.string(),
  sid: z.number(),
  kinds: z.array(z.enum(CHANGE_KINDS)),
  active: z.boolean(),
  name: z.string(),
  tier: z.enum(TIERS),
  figi: z.string().nullable(),
  renamed_from: z.string().nullable(),
  tier_before: z.enum(TIERS).nullable(),
  name_before: z.string().nullable(),
  figi_before: z.string().nullable(),
});

const pageSchema = { as_of: z.iso.datetime(), next_page_token: z.string().nullable() };

/**
 * `GET /v1/universe`: the active symbols as they were known at `as_of` (default: now; it is
 * echoed, and pages keep it), by symbol; of one tier or of all.
 * `GET /v1/universe/versions`: what changed, by version and symbol; of one symbol or of all.
 */
export function registerUniverse(app: OpenAPIHono<ApiEnv>): void {
  registerKnown(app);
  registerVersions(app);
}

function registerKnown(app: OpenAPIHono<ApiEnv>): void {
  registerRead(
    app,
    {
      path: "/v1/universe",
      summary: "Symbols and tiers as they were known at `as_of`",
      query: z.object({ tier: z.enum(TIERS).optional(), ...paging }),
      answer: z.object({ symbols: z.array(securitySchema), ...pageSchema }),
      row: securitySchema,
    },
    async (context, query) => {
      const format = formatOf(context);
      if (format instanceof Response) return format;
      const from = startOfPage(context, query, `universe|${query.tier ?? ""}`, "none");
      if ("refused" in from) return from.refused;
      const rows = await readUniverseAsOf(sqlClientOf(context.var.settings), {
        asOfMs: from.asOfMs,
        tier: query.tier ?? null,
        after: from.after.symbol,
        limit: query.limit,
      });
      const last = rows.length === query.limit ? rows.at(-1) : undefined;
      return await answerRows(context, format, {
        name: "symbols",
        columns: Object.keys(securitySchema.shape),
        rows: rows.map(toSecurity),
        facts: {
          as_of: toIso(from.asOfMs),
          next_page_token: last === undefined ? null : from.next(last.symbol, 0),
        },
        sources: [],
        isPinned: from.isPinned,
      });
    },
  );
}

function registerVersions(app: OpenAPIHono<ApiEnv>): void {
  registerRead(
    app,
    {
      path: "/v1/universe/versions",
      summary: "Changes of the universe, by version and symbol",
      query: z.object({
        symbol: z.string().refine(isCanonicalSymbol, "not a canonical symbol").optional(),
        after: countParam(0, 2 ** 31 - 2, 0),
        ...paging,
      }),
      answer: z.object({ changes: z.array(changeSchema), ...pageSchema }),
      row: changeSchema,
    },
    async (context, query) => {
      const format = formatOf(context);
      if (format instanceof Response) return format;
      const from = startOfPage(
        context,
        query,
        `versions|${query.symbol ?? ""}|${query.after}`,
        "version",
      );
      if ("refused" in from) return from.refused;
      const rows = await readUniverseChanges(sqlClientOf(context.var.settings), {
        asOfMs: from.asOfMs,
        symbol: query.symbol ?? null,
        // `after` names a whole version: the first of interest is the one behind it.
        after:
          query.page_token === undefined
            ? { version: query.after + 1, symbol: "" }
            : { version: from.after.ts, symbol: from.after.symbol },
        limit: query.limit,
      });
      const last = rows.length === query.limit ? rows.at(-1) : undefined;
      return await answerRows(context, format, {
        name: "changes",
        columns: Object.keys(changeSchema.shape),
        rows: rows.map(toChange),
        facts: {
          as_of: toIso(from.asOfMs),
          next_page_token: last === undefined ? null : from.next(last.symbol, last.version),
        },
        sources: [],
        isPinned: from.isPinned,
      });
    },
  );
}

function toSecurity(row: KnownSecurity): z.infer<typeof securitySchema> {
  const { firstSeen, renamedFrom, asOfMs, ...same } = row;
  return { ...same, first_seen: firstSeen, renamed_from: renamedFrom, as_of: toIso(asOfMs) };
}

function toChange(row: KnownChange): z.infer<typeof changeSchema> {
  const { asOfMs, renamedFrom, tierBefore, nameBefore, figiBefore, ...same } = row;
  return {
    ...same,
    as_of: toIso(asOfMs),
    renamed_from: renamedFrom,
    tier_before: tierBefore,
    name_before: nameBefore,
    figi_before: figiBefore,
  };
}
