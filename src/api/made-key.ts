import { z } from "@hono/zod-openapi";
import type { Context } from "hono";
import type { KeyMade } from "../contracts/keys.ts";
import { DAY_MS } from "../domain/time.ts";
import { wallClock } from "../platform/clocks.ts";
import type { ApiEnv } from "./api-env.ts";
import { keyView } from "./key-view.ts";
import { problem } from "./problem.ts";

/** Farther ends are most likely a slip; who wants none leaves it away. */
const MAX_LIFETIME_MS = 5 * 366 * DAY_MS;

const KEY_ID = /^[a-z0-9_]{1,40}$/;

/** When a key ends: an instant in the time to come. Parsed to milliseconds. */
export const expirySchema = z.iso
  .datetime({ offset: true })
  .transform((text) => Date.parse(text))
  .refine(
    (ms) => ms > wallClock.now() && ms <= wallClock.now() + MAX_LIFETIME_MS,
    "not in the next five years",
  );

/** The answer to whoever had a key made: the one time that its text is shown, or why there is none. */
export function madeKeyAnswer(context: Context<ApiEnv>, made: KeyMade, key: string): Response {
  switch (made.kind) {
    case "made":
      return context.json({ key, ...keyView(made.record, wallClock.now()) }, 201);
    case "unknown":
      return unknownKey(context);
    case "ended": {
      const detail = "the key has ended: make a new one instead";
      return problem(context, 409, { code: "key_ended", detail });
    }
    case "full": {
      const detail = "there are as many keys as there may be: revoke some that are not used";
      return problem(context, 409, { code: "too_many_keys", detail });
    }
  }
}

/** The id of a key in the path; null when none can have it. */
export function keyIdParam(context: Context<ApiEnv>): string | null {
  const id = context.req.param("id") ?? "";
  return KEY_ID.test(id) ? id : null;
}

/** 404 for an id that is no key's. */
export function unknownKey(context: Context<ApiEnv>): Response {
  const detail =
    "there is no such key; the bootstrap key is a secret of the deployment and not in the book";
  return problem(context, 404, { code: "unknown_key", detail });
}
