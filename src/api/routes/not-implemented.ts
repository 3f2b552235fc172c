import type { OpenAPIHono } from "@hono/zod-openapi";
import { NotImplementedError } from "../../contracts/errors.ts";
import type { ApiEnv } from "../api-env.ts";

/** Routes of the contract that nothing serves yet. */
const ROUTES = [
  ["get", "/ops/config"],
  ["put", "/ops/config"],
  ["post", "/ops/config/reload"],
] as const;

/** Answers 501 `not_implemented` where the contract names a route that is not built: not a 404. */
export function registerNotImplemented(app: OpenAPIHono<ApiEnv>): void {
  for (const [method, path] of ROUTES) {
    app.openAPIRegistry.registerPath({
      method,
      path,
      summary: "Not there yet",
      responses: { 501: { description: "This release does not serve it" } },
    });
    app.on(method.toUpperCase(), path, () => {
      throw new NotImplementedError(`${method.toUpperCase()} ${path}`);
    });
  }
}
