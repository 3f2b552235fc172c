import type { OpenAPIHono } from "@hono/zod-openapi";
import { NotImplementedError } from "../../contracts/errors.ts";
import type { ApiEnv } from "../api-env.ts";

/** Routes of the contract that nothing serves yet. */
const ROUTES: readonly (readonly [method: string, path: string])[] = [
  ["GET", "/v1/bars/day/:file"],
  ["GET", "/v1/bars/latest"],
  ["GET", "/v1/bars/diff"],
  ["GET", "/v1/bars/:symbol/revisions"],
  ["POST", "/v1/stream/tickets"],
  ["GET", "/ops/config"],
  ["PUT", "/ops/config"],
  ["POST", "/ops/config/reload"],
];

/** Answers 501 `not_implemented` where the contract names a route that is not built: not a 404. */
export function registerNotImplemented(app: OpenAPIHono<ApiEnv>): void {
  for (const [method, path] of ROUTES) {
    app.on(method, path, () => {
      throw new NotImplementedError(`${method} ${path}`);
    });
  }
}
