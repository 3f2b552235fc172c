import { type OpenAPIHono, type RouteConfig, z } from "@hono/zod-openapi";
import type { ApiEnv } from "./api-env.ts";
import { symbolsParam } from "./query-values.ts";

const text = (type: string) => ({ [type]: { schema: z.string() } });

const streamRequest = {
  query: z.object({
    symbols: symbolsParam.optional().describe("Subscribes at connect; `*` is the whole universe"),
    ch: z.string().optional().describe("Channels, comma separated: `bars.1m`, `bars.1d`, `quotes`"),
    resume: z.string().optional().describe("A resume token"),
    ticket: z
      .string()
      .optional()
      .describe("Of `POST /v1/stream/tickets`, instead of a key: opens one socket"),
  }),
};
const streamResponses = {
  101: { description: "The socket; protocol `mds.v1`" },
  426: { description: "The request is no WebSocket upgrade" },
};

/** The routes whose handlers parse no schema of their own. */
const ROUTES: readonly RouteConfig[] = [
  {
    method: "get",
    path: "/health",
    summary: "Liveness: version and uptime",
    responses: {
      200: {
        description: "The service is alive",
        content: {
          "application/json": {
            schema: z.object({ status: z.string(), version: z.string(), uptime_s: z.number() }),
          },
        },
      },
    },
  },
  {
    method: "get",
    path: "/metrics",
    summary: "Metrics in Prometheus' text format",
    responses: {
      200: { description: "Every series", content: text("text/plain; version=0.0.4") },
    },
  },
  {
    method: "get",
    path: "/v1/stream",
    summary: "The WebSocket of the stream",
    request: streamRequest,
    responses: streamResponses,
  },
  {
    method: "get",
    path: "/ws",
    summary: "The WebSocket of the stream, under its other name",
    request: streamRequest,
    responses: streamResponses,
  },
  {
    method: "get",
    path: "/openapi.json",
    summary: "This document",
    responses: {
      200: {
        description: "OpenAPI 3.1",
        content: { "application/json": { schema: z.looseObject({}) } },
      },
    },
  },
  {
    method: "get",
    path: "/docs",
    summary: "This document as a page to read",
    responses: { 200: { description: "One page without scripts", content: text("text/html") } },
  },
];

const readinessSchema = z.looseObject({
  ready: z.boolean(),
  reasons: z.array(z.string()),
  warnings: z.array(z.string()),
  groups: z.object({
    members: z.number().int(),
    connections: z.number().int(),
    undrained_oldest_s: z.number().int().nullable(),
  }),
  database: z.object({
    migration: z.string().nullable().describe("The newest that it has; null when nobody can say"),
  }),
  cron: z.object({ last_tick_at: z.iso.datetime().nullable() }),
  slo: z
    .object({ last_sample_at: z.iso.datetime().nullable(), next_sample_at: z.iso.datetime() })
    .nullable(),
});

/** Describes the routes that say nothing of themselves. */
export function describePlainRoutes(app: OpenAPIHono<ApiEnv>): void {
  for (const route of ROUTES) app.openAPIRegistry.registerPath(route);
  const content = { "application/json": { schema: readinessSchema } };
  app.openAPIRegistry.registerPath({
    method: "get",
    path: "/health/ready",
    summary: "Readiness with reasons, worked out at most every ten seconds",
    responses: {
      200: { description: "The service is ready", content },
      503: { description: "It is not, and why", content },
    },
  });
}
