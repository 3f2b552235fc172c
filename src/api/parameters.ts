import { type OpenAPIHono, type RouteConfig, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { isCanonicalSymbol } from "../domain/symbol.ts";
import { isTradingDate } from "../domain/trading-date.ts";
import type { ApiEnv } from "./api-env.ts";
import { MEDIA_TYPES } from "./negotiate.ts";
import { parseQuery } from "./parse-query.ts";

export const MAX_SYMBOLS = 1_000;

const FIRST_INSTANT_MS = 0;
const END_INSTANT_MS = Date.UTC(2100, 0, 1);

/** Canonical symbols, comma separated, at most a thousand. */
export const symbolsParam = z
  .string()
  .min(1)
  .max(MAX_SYMBOLS * 16)
  .transform((text) => [...new Set(text.split(","))])
  .refine((symbols) => symbols.length <= MAX_SYMBOLS, `at most ${MAX_SYMBOLS} symbols`)
  .refine((symbols) => symbols.every(isCanonicalSymbol), "not canonical symbols");

/** An instant: RFC 3339 with offset, or whole milliseconds since the epoch. Parsed to milliseconds. */
export const instantParam = z
  .union([z.iso.datetime({ offset: true }), z.string().regex(/^\d{1,15}$/)])
  .transform((text) => (/^\d+$/.test(text) ? Number(text) : Date.parse(text)))
  .refine(
    (ms) => ms >= FIRST_INSTANT_MS && ms < END_INSTANT_MS,
    "not an instant between 1970 and 2100",
  );

/** A New York date. */
export const dateParam = z
  .string()
  .refine(isTradingDate, "not a date YYYY-MM-DD of a year that the calendar knows");

/** A whole number in a query, between bounds. */
export function countParam(min: number, max: number, fallback: number) {
  return z.coerce.number().int().min(min).max(max).default(fallback);
}

/**
 * A read route: how it is described, and the schema that its query is held against. Parts of the path
 * are written `:name`, described by `params`, and parsed by the handler.
 */
export interface ReadRoute<Query extends z.ZodObject> {
  readonly path: string;
  readonly params?: z.ZodObject;
  readonly summary: string;
  readonly query: Query;
  readonly answer: z.ZodType;
  /** The form of a row, where the answer is a list of rows that is given as NDJSON and CSV, too. */
  readonly row?: z.ZodType;
}

/**
 * Registers a `GET` route with its description in the OpenAPI document. A query that does not fit is
 * answered with 422 and every fault by its field.
 */
export function registerRead<Query extends z.ZodObject>(
  app: OpenAPIHono<ApiEnv>,
  route: ReadRoute<Query>,
  handle: (context: Context<ApiEnv>, query: z.output<Query>) => Promise<Response>,
): void {
  const description: RouteConfig = {
    method: "get",
    path: route.path.replaceAll(/:(\w+)/g, "{$1}"),
    summary: route.summary,
    request: {
      query: route.query,
      ...(route.params === undefined ? {} : { params: route.params }),
    },
    responses: {
      200: {
        description: route.summary,
        content: { "application/json": { schema: route.answer }, ...rowsContent(route.row) },
      },
    },
  };
  app.openAPIRegistry.registerPath(description);
  app.get(route.path, async (context) => {
    const parsed = parseQuery(context, route.query);
    return "refused" in parsed ? parsed.refused : await handle(context, parsed.query);
  });
}

function rowsContent(row: z.ZodType | undefined): Record<string, { schema: z.ZodType }> {
  if (row === undefined) return {};
  const lines = z
    .string()
    .describe("A header line with the names of the fields, then a record a row");
  return { [MEDIA_TYPES.ndjson]: { schema: row }, [MEDIA_TYPES.csv]: { schema: lines } };
}
