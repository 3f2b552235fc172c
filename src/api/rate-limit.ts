import type { Context } from "hono";
import { DEFAULT_KEY_LIMITS, type RequestRate } from "../contracts/keys.ts";
import type { KeyHolder } from "../keys/key-desk.ts";
import { errorText, log } from "../platform/log.ts";
import type { ApiEnv } from "./api-env.ts";
import { clientAddress } from "./client-address.ts";
import { problem } from "./problem.ts";

/** The bindings count by the minute. */
const RETRY_AFTER_S = 60;

/** Whether a key has used up its requests of the minute, this one counted. */
export async function isKeyOverRate(
  context: Context<ApiEnv>,
  { id, limits }: KeyHolder,
): Promise<boolean> {
  return await isOver(context.env, limits.requestsPerMinute, `key:${id}`);
}

/** Whether an address has used up the requests that it may make without a key that is known. */
export async function isAddressOverRate(context: Context<ApiEnv>): Promise<boolean> {
  const address = clientAddress(context.req.header("cf-connecting-ip"));
  return await isOver(context.env, DEFAULT_KEY_LIMITS.requestsPerMinute, `address:${address}`);
}

/** The 429 for either. */
export function tooManyRequests(context: Context<ApiEnv>): Response {
  context.header("Retry-After", String(RETRY_AFTER_S));
  const detail = "too many requests in this minute: ask again in the next one";
  return problem(context, 429, { code: "too_many_requests", detail });
}

async function isOver(env: Env, rate: RequestRate, key: string): Promise<boolean> {
  try {
    const { success } = await limiterOf(env, rate).limit({ key });
    return !success;
  } catch (error) {
    // It protects the service; what protects shall not be what stops it.
    log("warn", "a rate limit could not be asked", { error: errorText(error) });
    return false;
  }
}

function limiterOf(env: Env, rate: RequestRate): RateLimit {
  switch (rate) {
    case 60:
      return env.API_RATE_LIMIT_LOW;
    case 600:
      return env.API_RATE_LIMIT;
    case 6_000:
      return env.API_RATE_LIMIT_HIGH;
  }
}
