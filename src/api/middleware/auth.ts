import { createMiddleware } from "hono/factory";
import type { ApiEnv } from "../api-env.ts";
import { bearerKey } from "../bearer-key.ts";
import { countUse, identify, refuseByRate } from "../identify.ts";
import { problem } from "../problem.ts";
import { isAddressOverRate, tooManyRequests } from "../rate-limit.ts";
import { mayUse, roleOf } from "../route-role.ts";

const MISSING = "a valid key is required: Authorization: Bearer KEY";

/**
 * Lets a request through that carries a key (`Authorization: Bearer KEY`, never from the URL) which holds, has
 * requests left in this minute, and has the role that the path asks for.
 */
export const requireKey = createMiddleware<ApiEnv>(async (context, next) => {
  const identified = await identify(
    context,
    bearerKey(context.req.header("authorization")),
    MISSING,
  );
  if ("refused" in identified) return identified.refused;
  const { holder } = identified;
  const over = await refuseByRate(context, holder);
  const asked = roleOf(context.req.path);
  const isRefused = over !== null || !mayUse(holder.role, asked);
  countUse(context, holder.id, isRefused);
  if (over !== null) return over;
  if (isRefused) {
    const detail = `this needs a key of role ${asked}; the key that came is of role ${holder.role}`;
    return problem(context, 403, { code: "forbidden", detail });
  }
  context.set("role", holder.role);
  context.set("keyId", holder.id);
  return await next();
});

/** Counts requests of whoever comes without a key, where none is asked for. */
export const limitAddress = createMiddleware<ApiEnv>(async (context, next) => {
  if (await isAddressOverRate(context)) return tooManyRequests(context);
  return await next();
});
