import type { Context } from "hono";
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
  404: "Not Found",
  406: "Not Acceptable",
  409: "Conflict",
  413: "Content Too Large",
  422: "Unprocessable Content",
  426: "Upgrade Required",
  429: "Too Many Requests",
  500: "Internal Server Error",
  501: "Not Implemented",
  503: "Service Unavailable",
};

/** An error answer as RFC 9457 problem details. */
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
  return context.body(JSON.stringify(body), status, { "content-type": "application/problem+json" });
}
