import { z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { hideSecrets } from "../platform/secrets.ts";
import type { ApiEnv } from "./api-env.ts";
import type { ContentfulStatusCode } from "hono/utils/http-status";

/** What a problem says beyond its status. */
export interface ProblemDetails {
  readonly code: string;
  readonly detail: string;
  readonly extra?: Readonly<Record<string, unknown>>;
}

const TITLES: Readonly<Record<number, string>> = {
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  406: "Not Acceptable",
  409: "Conflict",
  412: "Precondition Failed",
  413: "Content Too Large",
  422: "Unprocessable Content",
  426: "Upgrade Required",
  428: "Precondition Required",
  429: "Too Many Requests",
  500: "Internal Server Error",
  501: "Not Implemented",
  503: "Service Unavailable",
};

/** The members of every problem; some have more beside them. Source: RFC 9457. */
export const problemSchema = z
  .looseObject({
    type: z.string().describe("`urn:market-data-service:problem:` and the code"),
    title: z.string(),
    status: z.number().int(),
    detail: z.string(),
    code: z.string().describe("What a program may decide by"),
    request_id: z.string().describe("Stands in the service's log"),
    errors: z
      .array(z.object({ field: z.string(), message: z.string() }))
      .optional()
      .describe("What is wrong with which field, of 422"),
    faults: z
      .array(z.object({ path: z.string(), message: z.string() }))
      .optional()
      .describe("Of `invalid_config`: what is wrong where, by JSON path"),
    version: z.number().int().optional().describe("Of `version_mismatch`: the active version"),
    horizon: z.iso.datetime().optional().describe("Of `not_yet_known`: what is known so far"),
  })
  .openapi("Problem");

/** An error answer as RFC 9457 problem details, without secrets: not even the asker's own is said back. */
export function problem(
  context: Context<ApiEnv>,
  status: ContentfulStatusCode,
  details: ProblemDetails,
): Response {
  const body = {
    type: `urn:market-data-service:problem:${details.code}`,
    title: TITLES[status] ?? "Error",
    status,
    detail: details.detail,
    code: details.code,
    request_id: context.var.requestId,
    ...details.extra,
  };
  return context.body(hideSecrets(JSON.stringify(body)), status, {
    "content-type": "application/problem+json",
    "cache-control": "no-store",
  });
}
