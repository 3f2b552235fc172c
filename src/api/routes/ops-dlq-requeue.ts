import { type OpenAPIHono, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import {
  type RequeueDeps,
  requeueLetters,
  type RequeueOutcome,
} from "../../backfill/requeue-letters.ts";
import { type Tier, TIERS } from "../../domain/tier.ts";
import { SECOND_MS } from "../../domain/time.ts";
import { marketClock } from "../../platform/clocks.ts";
import { backfillQueueStub, symbolGroupStub } from "../../platform/stubs.ts";
import { markLetters } from "../../postgres/dead-letter-marks.ts";
import { countDead, readOldestDead } from "../../postgres/dead-letter-reads.ts";
import { sqlClientOf } from "../../postgres/service-client.ts";
import type { SqlClient } from "../../postgres/sql-client.ts";
import type { ApiEnv } from "../api-env.ts";
import { findLetter, notDead } from "../find-letter.ts";
import { fullLetterSchema, fullLetterView } from "../letter-view.ts";
import { parseQuery } from "../parse-query.ts";
import { problem } from "../problem.ts";

/** Letters of one call: one offer to the queue, a few hundred milliseconds of work. */
const MAX_REQUEUED = 500;

const allQuery = z.object({ tier: z.enum(TIERS) });

const requeuedSchema = z.object({
  letter: fullLetterSchema,
  /** Nothing was done: it was requeued before. */
  already_requeued: z.boolean(),
});

const allSchema = z.object({
  requeued: z.number(),
  /** Letters of the tier that are still dead: ask again for them. */
  left: z.number(),
  /** When to ask again, seconds; null: there is nothing left. */
  retry_after_s: z.number().nullable(),
  /** The queue is at its cap, and took no more. */
  queue_full: z.boolean(),
});

/** `POST /ops/dlq/backfills/requeue/{id}` and `/ops/dlq/backfills/requeue-all?tier=`. */
export function registerOpsDlqRequeue(app: OpenAPIHono<ApiEnv>): void {
  app.openAPIRegistry.registerPath({
    method: "post",
    path: "/ops/dlq/backfills/requeue/{id}",
    summary: "Put a dead letter's hole back into its queue",
    request: { params: z.object({ id: z.string() }) },
    responses: {
      200: {
        description: "The letter as it stands now",
        content: { "application/json": { schema: requeuedSchema } },
      },
    },
  });
  app.post("/ops/dlq/backfills/requeue/:id", handleOne);
  app.openAPIRegistry.registerPath({
    method: "post",
    path: "/ops/dlq/backfills/requeue-all",
    summary: `Put the dead letters of a tier back, the oldest first, up to ${MAX_REQUEUED} a call`,
    request: { query: allQuery },
    responses: {
      200: {
        description: "How many were put back, and how many are left",
        content: { "application/json": { schema: allSchema } },
      },
    },
  });
  app.post("/ops/dlq/backfills/requeue-all", handleAll);
}

async function handleOne(context: Context<ApiEnv>): Promise<Response> {
  const found = await findLetter(context);
  if ("refused" in found) return found.refused;
  const { letter } = found;
  if (letter.status === "requeued")
    return context.json({ letter: fullLetterView(letter), already_requeued: true });
  if (letter.status !== "dead") return notDead(context, letter, "requeued");
  const sql = sqlClientOf(context.var.settings);
  const outcome = await requeueLetters([letter], requeueDeps(letter.tier, sql, context.env));
  if (outcome.kind !== "requeued") return refusal(context, outcome);
  const after = await findLetter(context);
  if ("refused" in after) return after.refused;
  // Marked by another request in between, or dead again already: the letter says which.
  const isOthers = outcome.ids.length === 0 && after.letter.status === "requeued";
  return context.json({ letter: fullLetterView(after.letter), already_requeued: isOthers });
}

async function handleAll(context: Context<ApiEnv>): Promise<Response> {
  const parsed = parseQuery(context, allQuery);
  if ("refused" in parsed) return parsed.refused;
  const { tier } = parsed.query;
  const sql = sqlClientOf(context.var.settings);
  const letters = await readOldestDead(sql, tier, MAX_REQUEUED);
  if (letters.length === 0)
    return context.json({ requeued: 0, left: 0, retry_after_s: null, queue_full: false });
  const outcome = await requeueLetters(letters, requeueDeps(tier, sql, context.env));
  if (outcome.kind !== "requeued") return refusal(context, outcome);
  const left = (await countDead(sql))[tier];
  return context.json({
    requeued: outcome.ids.length,
    left,
    retry_after_s: left === 0 ? null : inSeconds(outcome.waitMs),
    queue_full: outcome.isFull,
  });
}

/** The answer to a requeue that changed no letter. */
function refusal(
  context: Context<ApiEnv>,
  outcome: Exclude<RequeueOutcome, { kind: "requeued" }>,
): Response {
  switch (outcome.kind) {
    case "limited": {
      const retryAfterS = Math.max(1, inSeconds(outcome.waitMs));
      context.header("Retry-After", String(retryAfterS));
      return problem(context, 429, {
        code: "too_many_requeues",
        detail: `as many letters were requeued as the queue allows: try again in ${retryAfterS} s`,
        extra: { retry_after_s: retryAfterS },
      });
    }
    case "full":
      return problem(context, 409, {
        code: "queue_full",
        detail: "the backfill queue of the tier is at its cap, and nothing was changed",
      });
    case "group_away":
      return problem(context, 503, {
        code: "unavailable",
        detail: "the hole is queued, but its symbol group does not answer: try again",
      });
  }
}

function requeueDeps(tier: Tier, sql: SqlClient, env: Env): RequeueDeps {
  const queue = backfillQueueStub(env, tier);
  return {
    takeLeave: async (wanted) => await queue.takeRequeues(wanted),
    offer: async (holes) => await queue.offer(holes, "requeue"),
    reopen: async (group, ranges) => await symbolGroupStub(env, group).holesReopened(ranges),
    mark: async (deaths) => await markLetters(sql, deaths, "requeued", marketClock.now()),
  };
}

function inSeconds(ms: number): number {
  return Math.ceil(ms / SECOND_MS);
}
