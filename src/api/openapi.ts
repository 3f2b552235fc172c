import { type OpenAPIHono, z } from "@hono/zod-openapi";
import type { ApiEnv } from "./api-env.ts";
import { describePlainRoutes } from "./describe-plain.ts";
import { problemSchema } from "./problem.ts";
import { roleOf } from "./route-role.ts";
import { VERSION } from "./version.ts";

const DESCRIPTION = `US-equities bars, quotes and a stream that proves its continuity, point-in-time.

Instants are RFC 3339 with an offset, or whole milliseconds since the epoch; answers are UTC. Reads with a pinned
knowledge time (\`as_of\`, \`as_of_b\`) answer the same for ever. Lists page with an opaque \`page_token\`. A parameter that
a route does not know, or one given twice, is refused with 422. Errors are problem details (RFC 9457).`;

const PROBLEM_TEXTS = {
  400: "`page_token` does not continue this query",
  401: "A valid key is required",
  403: "The key is of another role",
  404: "There is nothing of that name",
  406: "No form that is offered is accepted",
  409: "Not possible now, for example `not_yet_known`: the knowledge time is above the horizon",
  413: "The body is too large",
  422: "A parameter or the body is not valid; `errors` names every fault",
  429: "Too many requests of this key or address: ask again after `Retry-After`",
  500: "The service failed; its log has the `request_id`",
  503: "The service is not configured, or a part of it does not answer: try again",
} as const;
const PROBLEM_CONTENT = {
  "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } },
};
type ProblemStatus = keyof typeof PROBLEM_TEXTS;

/** A document of zod-to-openapi, with its paths and components. */
export type ApiDocument = ReturnType<OpenAPIHono<ApiEnv>["getOpenAPI31Document"]>;
type PathItem = NonNullable<ApiDocument["paths"]>[string];
type Operation = NonNullable<PathItem["get"]>;

const METHODS = ["get", "put", "post", "patch", "delete"] as const;
/** A method in lower case, as paths of the document have it. */
export type ApiMethod = (typeof METHODS)[number];

/** Every operation of a document with its path and method, in the order in which they were described. */
export function operationsOf(
  document: ApiDocument,
): { readonly path: string; readonly method: ApiMethod; readonly operation: Operation }[] {
  return Object.entries(document.paths ?? {}).flatMap(([path, item]) =>
    METHODS.flatMap((method) => {
      const operation = item[method];
      return operation === undefined ? [] : [{ path, method, operation }];
    }),
  );
}

const responsesSchema = z.record(
  z.string(),
  z.looseObject({
    description: z.string().default(""),
    content: z.record(z.string(), z.unknown()).optional(),
  }),
);

/** The answers of an operation by their status. */
export function responsesOf({ responses }: Operation): z.output<typeof responsesSchema> {
  return responsesSchema.parse(responses ?? {});
}

/**
 * The OpenAPI 3.1 document of every route of the app: what the routes say of themselves, and what holds for all:
 * the role that each asks for, and the problems that it may answer with.
 */
export function openApiDocument(app: OpenAPIHono<ApiEnv>): ApiDocument {
  describePlainRoutes(app);
  app.openAPIRegistry.register("Problem", problemSchema);
  app.openAPIRegistry.registerComponent("securitySchemes", "key", {
    type: "http",
    scheme: "bearer",
    description:
      "A key with the role that the operation names; one with role `ops` may do all. A browser's socket offers the subprotocols `mds.v1` and `key.KEY` instead.",
  });
  const document = app.getOpenAPI31Document({
    openapi: "3.1.0",
    info: { title: "Market Data Service", version: VERSION, description: DESCRIPTION },
    servers: [{ url: "/" }],
  });
  for (const { path, method, operation } of operationsOf(document)) {
    const role = roleOf(path);
    operation.operationId = operationId(method, path);
    operation.tags = [tagOf(path)];
    operation.security = role === "public" ? [] : [{ key: [role] }];
    const responses = responsesOf(operation);
    for (const status of problemsOf(path, operation))
      responses[status] ??= { description: PROBLEM_TEXTS[status] };
    for (const [status, response] of Object.entries(responses)) {
      if (Number(status) >= 400) response.content = { ...response.content, ...PROBLEM_CONTENT };
    }
    operation.responses = responses;
  }
  return document;
}

function problemsOf(path: string, operation: Operation): ProblemStatus[] {
  if (path === "/health") return [];
  const statuses: ProblemStatus[] = [429, 500, 503];
  if (roleOf(path) !== "public") statuses.push(401, 403);
  const parameters = (operation.parameters ?? []).flatMap((one) => ("in" in one ? [one] : []));
  const names = new Set(parameters.map(({ name }) => name));
  if (parameters.some((one) => one.in === "query")) statuses.push(422);
  if (parameters.some((one) => one.in === "path")) statuses.push(404);
  if (names.has("page_token")) statuses.push(400);
  if (names.has("as_of") || names.has("as_of_b") || path === "/v1/quotes") statuses.push(409);
  if (operation.requestBody !== undefined) statuses.push(413, 422);
  if (path.startsWith("/ops/dlq/") && operation.requestBody !== undefined) statuses.push(409);
  if (path.startsWith("/ops/keys") && operation.requestBody !== undefined) statuses.push(409);
  const forms = Object.keys(responsesOf(operation)["200"]?.content ?? {});
  if (forms.length > 1) statuses.push(406);
  return statuses;
}

function operationId(method: string, path: string): string {
  return `${method}${path.replaceAll(/[^a-zA-Z0-9]+/g, "_")}`.replace(/_$/, "");
}

function tagOf(path: string): string {
  if (path.startsWith("/v1/stream") || path.startsWith("/ws")) return "Stream";
  if (path.startsWith("/v1/")) return "Data";
  if (path.startsWith("/providers")) return "Providers";
  return path.startsWith("/ops/") ? "Operations" : "Service";
}
