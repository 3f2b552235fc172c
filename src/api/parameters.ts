import { type OpenAPIHono, type RouteConfig, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import type { ApiEnv } from "./api-env.ts";
import { MEDIA_TYPES } from "./negotiate.ts";
import { parseQuery } from "./parse-query.ts";

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
  /** The form of a line, where the answer is given as NDJSON, too, and is not a list of rows. */
  readonly line?: z.ZodType;
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
        content: {
          "application/json": { schema: route.answer },
          ...rowsContent(route.row),
          ...(route.line === undefined ? {} : { [MEDIA_TYPES.ndjson]: { schema: route.line } }),
        },
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
