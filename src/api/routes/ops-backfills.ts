import { type OpenAPIHono, z } from "@hono/zod-openapi";
import { type Tier, TIERS } from "../../domain/tier.ts";
import { marketClock } from "../../platform/clocks.ts";
import { backfillQueueStub } from "../../platform/stubs.ts";
import type { ApiEnv } from "../api-env.ts";
import { holeSchema, holeView, queueSchema, queueView } from "../backfill-view.ts";
import { formatPageToken, parsePageToken } from "../page-token.ts";
import { registerRead } from "../parameters.ts";
import { countParam } from "../query-values.ts";
import { problem } from "../problem.ts";

const MAX_LISTED_HOLES = 1_000;

const listRoute = {
  path: "/ops/backfills",
  summary: "The backfill queues, and their holes in the order in which they are run",
  query: z.object({
    tier: z.enum(TIERS).optional(),
    limit: countParam(1, MAX_LISTED_HOLES, 100),
    page_token: z.string().max(400).optional(),
  }),
  answer: z.object({
    at: z.iso.datetime(),
    queues: z.array(queueSchema),
    holes: z.array(holeSchema),
    next_page_token: z.string().nullable(),
  }),
};

/** Where a page begins: so many holes into the queue of a tier. */
interface Place {
  readonly tier: Tier;
  readonly offset: number;
}

/**
 * `GET /ops/backfills`: how the queues are doing, and a page of their holes, queue by queue. The queues
 * move on between two pages: a hole may then be missed, or be seen twice.
 */
export function registerOpsBackfills(app: OpenAPIHono<ApiEnv>): void {
  registerRead(app, listRoute, async (context, query) => {
    const tiers = query.tier === undefined ? TIERS : [query.tier];
    const shape = `backfills|${query.tier ?? ""}`;
    const from = placeOf(query.page_token, shape, tiers);
    if (from === null) {
      const detail = "page_token does not continue this query";
      return problem(context, 400, { code: "bad_page_token", detail });
    }
    const nowMs = marketClock.now();
    const queues = await Promise.all(
      tiers.map(async (tier) =>
        queueView(tier, await backfillQueueStub(context.env, tier).status(), nowMs),
      ),
    );
    const { holes, next } = await readHoles(context.env, tiers, from, query.limit);
    return context.json({
      at: new Date(nowMs).toISOString(),
      queues,
      holes,
      next_page_token: next === null ? null : tokenOf(next, shape),
    });
  });
}

/** Holes from a place on, over the queues of the tiers; `next` is where they go on. */
async function readHoles(env: Env, tiers: readonly Tier[], from: Place, limit: number) {
  const holes: z.infer<typeof holeSchema>[] = [];
  let { offset } = from;
  for (const tier of tiers.slice(tiers.indexOf(from.tier))) {
    const page = await backfillQueueStub(env, tier).list(offset, limit - holes.length);
    holes.push(...page.holes.map((hole) => holeView(tier, hole)));
    if (page.next !== null) return { holes, next: { tier, offset: page.next } };
    offset = 0;
  }
  return { holes, next: null };
}

function placeOf(token: string | undefined, shape: string, tiers: readonly Tier[]): Place | null {
  const parsed = token === undefined ? undefined : parsePageToken(token, shape);
  if (parsed === null) return null;
  const tier = parsed === undefined ? tiers[0] : tiers.find((one) => one === parsed.after.symbol);
  return tier === undefined ? null : { tier, offset: parsed?.after.ts ?? 0 };
}

/** A token's symbol and time are the tier and how many holes of it were read. */
function tokenOf({ tier, offset }: Place, shape: string): string {
  const after = { symbol: tier, ts: offset };
  return formatPageToken({ asOfMs: 0, startMs: 0, endMs: 0, after }, shape);
}
