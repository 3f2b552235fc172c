import type { Context } from "hono";
import { matchedRoutes } from "hono/route";
import type { ApiEnv } from "./api-env.ts";

/** What every request passes on its way to a handler. */
const MIDDLEWARE_PATH = "/*";

/** The route of a request as it was registered, parameters by their names; `none` of a request for no route. */
export function routeOf(context: Context<ApiEnv>): string {
  const handlers = matchedRoutes(context).filter(({ path }) => path !== MIDDLEWARE_PATH);
  return handlers.at(-1)?.path ?? "none";
}
