import { type OpenAPIHono, z } from "@hono/zod-openapi";
import { ATTEMPT_REASONS } from "../../contracts/backfill.ts";
import { TIERS } from "../../domain/tier.ts";
import { marketClock } from "../../platform/clocks.ts";
import { letterStats, readLetters } from "../../postgres/dead-letter-reads.ts";
import { LETTER_STATUSES } from "../../postgres/dead-letter-row.ts";
import { sqlClientOf } from "../../postgres/service-client.ts";
import type { ApiEnv } from "../api-env.ts";
import { findLetter } from "../find-letter.ts";
import {
  fullLetterSchema,
  fullLetterView,
  letterSchema,
  letterStatsSchema,
  letterStatsView,
  letterView,
} from "../letter-view.ts";
import { formatPageToken, parsePageToken } from "../page-token.ts";
import { registerRead } from "../parameters.ts";
import { countParam } from "../query-values.ts";
import { problem } from "../problem.ts";

const MAX_LETTERS = 1_000;

const listRoute = {
  path: "/ops/dlq/backfills",
  summary: "Dead letters: holes whose attempts are used up, the newest death first",
  query: z.object({
    tier: z.enum(TIERS).optional(),
    reason: z.enum(ATTEMPT_REASONS).optional(),
    status: z.enum(LETTER_STATUSES).default("dead"),
    limit: countParam(1, MAX_LETTERS, 100),
    page_token: z.string().max(400).optional(),
  }),
  answer: z.object({
    letters: z.array(letterSchema),
    next_page_token: z.string().nullable(),
  }),
};

const letterRoute = {
  path: "/ops/dlq/backfills/:id",
  params: z.object({ id: z.string() }),
  summary: "A dead letter with its failed attempts and what became of it",
  query: z.object({}),
  answer: z.object({ letter: fullLetterSchema }),
};

const statsRoute = {
  path: "/ops/dlq/stats",
  summary: "How many letters are dead, by tier, reason and age",
  query: z.object({}),
  answer: letterStatsSchema,
};

/** `GET /ops/dlq/backfills`, `/ops/dlq/backfills/{id}` and `/ops/dlq/stats`. */
export function registerOpsDlq(app: OpenAPIHono<ApiEnv>): void {
  registerRead(app, listRoute, async (context, query) => {
    const { status, tier, reason, limit } = query;
    const shape = `letters|${status}|${tier ?? ""}|${reason ?? ""}`;
    const page =
      query.page_token === undefined ? undefined : parsePageToken(query.page_token, shape);
    if (page === null) {
      const detail = "page_token does not continue this query";
      return problem(context, 400, { code: "bad_page_token", detail });
    }
    const letters = await readLetters(sqlClientOf(context.var.settings), {
      status,
      tier: tier ?? null,
      reason: reason ?? null,
      after: page === undefined ? null : { diedMs: page.after.ts, id: page.after.symbol },
      limit,
    });
    const last = letters.length === limit ? letters.at(-1) : undefined;
    return context.json({
      letters: letters.map(letterView),
      next_page_token: last === undefined ? null : nextPage(last.diedMs, last.id, shape),
    });
  });
  registerRead(app, letterRoute, async (context) => {
    const found = await findLetter(context);
    if ("refused" in found) return found.refused;
    return context.json({ letter: fullLetterView(found.letter) });
  });
  registerRead(app, statsRoute, async (context) => {
    const stats = await letterStats(sqlClientOf(context.var.settings), marketClock.now());
    return context.json(letterStatsView(stats));
  });
}

/** The place of a letter: when it died and, where a token has a symbol, its id. */
function nextPage(diedMs: number, id: string, shape: string): string {
  const after = { symbol: id, ts: diedMs };
  return formatPageToken({ asOfMs: 0, startMs: 0, endMs: 0, after }, shape);
}
