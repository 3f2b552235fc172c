import { createMiddleware } from "hono/factory";
import type { ApiEnv } from "../api-env.ts";
import { bearerKey, roleOfKey } from "../key.ts";
import { problem } from "../problem.ts";

/** Lets a request through that carries a key: `Authorization: Bearer KEY`. Never from the URL. */
export const requireKey = createMiddleware<ApiEnv>(async (context, next) => {
  const key = bearerKey(context.req.header("authorization"));
  const role = key === null ? null : await roleOfKey(key, context.var.settings);
  if (role === null) {
    return problem(context, 401, {
      code: "unauthorized",
      detail: "a valid key is required: Authorization: Bearer KEY",
    });
  }
  context.set("role", role);
  return await next();
});
