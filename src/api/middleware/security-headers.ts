import { createMiddleware } from "hono/factory";
import type { ApiEnv } from "../api-env.ts";

/** Answers are data: a browser that shows one as a page loads, runs and sends nothing, in nobody's frame. */
const CONTENT_POLICY =
  "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/**
 * On every answer, unless its route has set one of its own. There is no CORS: pages of other origins get nothing
 * from the API; what a browser may use is a socket, with a ticket.
 */
const HEADERS: readonly (readonly [string, string])[] = [
  ["X-Content-Type-Options", "nosniff"],
  ["Content-Security-Policy", CONTENT_POLICY],
  ["Referrer-Policy", "no-referrer"],
  ["Permissions-Policy", "camera=(), geolocation=(), microphone=()"],
  ["Cross-Origin-Resource-Policy", "same-origin"],
  ["Cross-Origin-Opener-Policy", "same-origin"],
];
/** A year, of this host alone: what lies beside it is not ours to speak for. Source: RFC 6797. */
const TRANSPORT_SECURITY = "max-age=31536000";

/**
 * Security headers on every answer but a socket's, whose headers can't be changed. Not Hono's own middleware: that
 * one writes to sockets' answers, too.
 */
export const securityHeaders = createMiddleware<ApiEnv>(async (context, next) => {
  await next();
  if (context.res.status === 101) return;
  for (const [name, value] of HEADERS) {
    if (!context.res.headers.has(name)) context.header(name, value);
  }
  const environment: string = context.env.ENVIRONMENT;
  // The local runtime speaks plain HTTP.
  if (environment !== "development")
    context.header("Strict-Transport-Security", TRANSPORT_SECURITY);
});
