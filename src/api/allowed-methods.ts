import type { Hono } from "hono";
import { TrieRouter } from "hono/router/trie-router";
import type { ApiEnv } from "./api-env.ts";

/** What `app.use` registers for: middleware is no route. */
const MIDDLEWARE_METHOD = "ALL";

/**
 * Which methods a path has routes for, by the routes that are registered when this is made; none: there is no such
 * path. Who may GET may HEAD.
 */
export function methodsOf(app: Hono<ApiEnv>): (path: string) => string[] {
  const router = new TrieRouter<string>();
  const methods = new Set<string>();
  for (const { method, path } of app.routes) {
    if (method === MIDDLEWARE_METHOD) continue;
    methods.add(method);
    router.add(method, path, method);
  }
  return (path) => {
    const allowed = [...methods].filter((method) => router.match(method, path)[0].length > 0);
    return allowed.includes("GET") ? [...allowed, "HEAD"].toSorted() : allowed.toSorted();
  };
}
