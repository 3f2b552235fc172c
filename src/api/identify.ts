import type { Context } from "hono";
import { keyDeskOf } from "../keys/desk-of.ts";
import type { KeyCheck, KeyHolder } from "../keys/key-desk.ts";
import type { ApiEnv } from "./api-env.ts";
import { problem } from "./problem.ts";
import { isAddressOverRate, isKeyOverRate, tooManyRequests } from "./rate-limit.ts";

/** The book of keys is asked again by each request: not more often than this. */
const RETRY_AFTER_S = 5;

/** Whose a request is, or the answer to whoever may not ask. */
export type Identified = { readonly holder: KeyHolder } | { readonly refused: Response };

/**
 * Judges the key that came with a request. A request counts for its key; without a key that is known, for the
 * address that it came from, before anything is looked up. `missing` says how a key is to be brought.
 */
export async function identify(
  context: Context<ApiEnv>,
  key: string | null,
  missing: string,
): Promise<Identified> {
  const desk = keyDeskOf(context.env, context.var.settings);
  const admit = async () => !(await isAddressOverRate(context));
  if (key === null) {
    const check = (await admit()) ? "unknown" : "turned_away";
    return { refused: refuse(context, { kind: check }, missing) };
  }
  const check = await desk.check(key, admit);
  return check.kind === "valid"
    ? { holder: check.holder }
    : { refused: refuse(context, check, missing) };
}

/** Counts a request for its key, and keeps it alive until the counts are told. */
export function countUse(context: Context<ApiEnv>, id: string, refused: boolean): void {
  const desk = keyDeskOf(context.env, context.var.settings);
  desk.note(id, refused);
  const told = desk.reportLater();
  if (told !== null) keepAlive(context, told);
}

/** The 429 of a key that has used up its requests; null when it may go on. */
export async function refuseByRate(
  context: Context<ApiEnv>,
  holder: KeyHolder,
): Promise<Response | null> {
  return (await isKeyOverRate(context, holder)) ? tooManyRequests(context) : null;
}

/** The answer to a key that does not hold. Whose it was is counted, if it was anybody's. */
export function refuse(
  context: Context<ApiEnv>,
  check: Exclude<KeyCheck, { kind: "valid" }>,
  missing: string,
): Response {
  switch (check.kind) {
    case "turned_away":
      return tooManyRequests(context);
    case "unavailable": {
      context.header("Retry-After", String(RETRY_AFTER_S));
      const detail = "keys can't be looked up at present: ask again";
      return problem(context, 503, { code: "unavailable", detail });
    }
    case "ended": {
      countUse(context, check.holder.id, true);
      const detail =
        check.why === "revoked"
          ? "the key has been revoked"
          : "the key has expired: ask for a new one";
      return problem(context, 401, { code: `key_${check.why}`, detail });
    }
    case "unknown":
      return problem(context, 401, { code: "unauthorized", detail: missing });
  }
}

/** Not every caller gives an app a context of execution; without one the promise is on its own. */
function keepAlive(context: Context<ApiEnv>, work: Promise<void>): void {
  try {
    context.executionCtx.waitUntil(work);
  } catch {
    // Hono throws where there is none.
  }
}
