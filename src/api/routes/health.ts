import type { OpenAPIHono } from "@hono/zod-openapi";
import { marketClock, wallClock } from "../../platform/clocks.ts";
import type { ApiEnv } from "../api-env.ts";
import { judgeReadiness, type Readiness } from "../judge-readiness.ts";
import { askParts } from "../readiness-parts.ts";
import { VERSION } from "../version.ts";

/** Readiness is worked out at most this often. */
const READINESS_TTL_MS = 10_000;

// At module load a Worker's clock reads zero: the first request starts the count.
let startedMs: number | null = null;

/** `GET /health`: alive. Touches nothing, needs no key. */
export function registerHealth(app: OpenAPIHono<ApiEnv>): void {
  app.get("/health", (context) => {
    const nowMs = wallClock.now();
    startedMs ??= nowMs;
    const uptimeS = Math.round((nowMs - startedMs) / 1_000);
    return context.json({ status: "ok", version: VERSION, uptime_s: uptimeS });
  });
}

let cached: { atMs: number; readiness: Readiness } | null = null;

/** `GET /health/ready`: 200, or 503 with the reasons, within seconds whatever hangs. Cached for 10 s. */
export function registerReadiness(app: OpenAPIHono<ApiEnv>): void {
  app.get("/health/ready", async (context) => {
    const nowMs = wallClock.now();
    if (cached === null || nowMs - cached.atMs > READINESS_TTL_MS) {
      const { settings } = context.var;
      const parts = await askParts(settings, context.env);
      const now = { marketMs: marketClock.now(), wallMs: wallClock.now() };
      cached = { atMs: nowMs, readiness: judgeReadiness(settings, parts, now) };
    }
    return context.json(cached.readiness, cached.readiness.ready ? 200 : 503);
  });
}
