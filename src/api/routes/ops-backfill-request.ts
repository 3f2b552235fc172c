import { type OpenAPIHono, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { type AskedRange, askedRangeFault } from "../../backfill/asked-range.ts";
import { estimateBackfill, type ProviderCost } from "../../backfill/estimate-backfill.ts";
import type { WindowRules } from "../../backfill/run-window.ts";
import { jobPrioritySchema, jobSymbolsSchema } from "../../contracts/job-fields.ts";
import type { ProviderId } from "../../domain/provider-id.ts";
import { groupOf } from "../../domain/symbol.ts";
import { type Tier, TIERS } from "../../domain/tier.ts";
import { calendarOf, type Settings } from "../../env.ts";
import { marketClock } from "../../platform/clocks.ts";
import { backfillQueueStub } from "../../platform/stubs.ts";
import { readTiers } from "../../postgres/override-store.ts";
import { sqlClientOf } from "../../postgres/service-client.ts";
import { callsPerMinute } from "../../providers/registry.ts";
import { policyStandings } from "../../routing/policy-standing.ts";
import { barsPerCall, symbolsPerCall } from "../../routing/provider-facts.ts";
import type { ApiEnv } from "../api-env.ts";
import { estimateSchema, estimateView, queueSchema, queueView } from "../backfill-view.ts";
import { readJsonBody } from "../json-body.ts";
import { instantParam } from "../query-values.ts";
import { parseQuery } from "../parse-query.ts";
import { problem } from "../problem.ts";

const MAX_BODY_BYTES = 64 * 1_024;
/** Refused or unknown symbols that are named. */
const MAX_NAMED = 100;

const instantSchema = z.union([instantParam, z.number().int().nonnegative()]);
const querySchema = z.object({ dry_run: z.enum(["true", "false"]).default("false") });
const bodySchema = z
  .object({
    symbols: jobSymbolsSchema,
    interval: z.enum(["1m", "1d"]),
    start: instantSchema,
    end: instantSchema,
    priority: jobPrioritySchema.optional(),
  })
  .strict();
type Body = z.output<typeof bodySchema>;

const acceptedSchema = z.object({
  taken: z.number().int(),
  refused: z.number().int(),
  tiers: z.array(
    z.object({
      tier: z.enum(TIERS),
      taken: z.number().int(),
      refused: z.number().int(),
      refused_symbols: z.array(z.string()),
      queue: queueSchema,
    }),
  ),
});

/** `POST /ops/backfills`: asks for the bars of some symbols over a range; `?dry_run=true` says what it costs. */
export function registerOpsBackfillRequest(app: OpenAPIHono<ApiEnv>): void {
  app.openAPIRegistry.registerPath({
    method: "post",
    path: "/ops/backfills",
    summary: "Have a range filled, or (dry_run) say what that costs",
    request: {
      query: querySchema,
      body: { content: { "application/json": { schema: bodySchema } } },
    },
    responses: {
      200: {
        description: "The dry run: rows, calls and credits at most, and an ETA",
        content: { "application/json": { schema: estimateSchema } },
      },
      202: {
        description: "What the queues took, and what they refused, each being full",
        content: { "application/json": { schema: acceptedSchema } },
      },
    },
  });
  app.post("/ops/backfills", handle);
}

async function handle(context: Context<ApiEnv>): Promise<Response> {
  const parsed = parseQuery(context, querySchema);
  if ("refused" in parsed) return parsed.refused;
  const read = await readJsonBody(context, {
    schema: bodySchema,
    maxBytes: MAX_BODY_BYTES,
    words:
      'a body is {"symbols": [SYMBOL, ...], "interval": "1m" | "1d", "start": INSTANT, "end": INSTANT}',
  });
  if ("refused" in read) return read.refused;
  const { settings } = context.var;
  const { symbols, interval, start: startMs, end: endMs } = read.body;
  const { backfill, retention_days: kept, sessions } = settings.config;
  const rules: WindowRules = { calendar: calendarOf(settings), sessions };
  const asked: AskedRange = { interval, startMs, endMs };
  const bounds = {
    nowMs: marketClock.now(),
    depthDays: backfill.depth_days,
    keptDays: kept.bars,
  };
  const fault = askedRangeFault(asked, rules, bounds);
  if (fault !== null) return invalid(context, "invalid_range", fault.field, fault.message);
  const tierOf = await readTiers(sqlClientOf(settings), symbols);
  const unknown = symbols.filter((symbol) => !tierOf.has(symbol));
  if (unknown.length > 0) {
    const detail = `not in the universe: ${unknown.slice(0, 20).join(", ")}`;
    return problem(context, 422, {
      code: "unknown_symbol",
      detail,
      extra: { errors: [{ field: "symbols", message: detail }], symbols: unknown },
    });
  }
  const byTier = Map.groupBy(symbols, (symbol) => tierOf.get(symbol) ?? "T2");
  return parsed.query.dry_run === "true"
    ? await dryRun(context, asked, byTier, rules)
    : await enqueue(context, read.body, byTier);
}

/** Hands each symbol to the queue of its tier. */
async function enqueue(
  context: Context<ApiEnv>,
  { interval, start: startMs, end: endMs, priority }: Body,
  byTier: ReadonlyMap<Tier, readonly string[]>,
): Promise<Response> {
  const { symbolGroups, config } = context.var.settings;
  const tiers: z.infer<typeof acceptedSchema>["tiers"] = [];
  for (const tier of TIERS) {
    const symbols = byTier.get(tier) ?? [];
    if (symbols.length === 0) continue;
    const queue = backfillQueueStub(context.env, tier);
    const holes = symbols.map((symbol) => {
      const group = groupOf(symbol, symbolGroups);
      return {
        group,
        symbol,
        interval,
        startMs,
        endMs,
        priority: priority ?? config.job_priority[tier],
      };
    });
    const { taken } = await queue.offer(holes, "ops");
    tiers.push({
      tier,
      taken,
      refused: symbols.length - taken,
      refused_symbols: symbols.slice(taken, taken + MAX_NAMED),
      queue: queueView(tier, await queue.status(), marketClock.now()),
    });
  }
  const sum = (of: "taken" | "refused") => tiers.reduce((total, part) => total + part[of], 0);
  if (sum("taken") === 0) {
    const detail = "the queues are at their caps, and nothing was taken";
    return problem(context, 409, { code: "queue_full", detail, extra: { tiers } });
  }
  return context.json({ taken: sum("taken"), refused: sum("refused"), tiers }, 202);
}

async function dryRun(
  context: Context<ApiEnv>,
  asked: AskedRange,
  byTier: ReadonlyMap<Tier, readonly string[]>,
  rules: WindowRules,
): Promise<Response> {
  const { settings } = context.var;
  const queues = await Promise.all(
    [...byTier.keys()].map(async (tier) => {
      const status = await backfillQueueStub(context.env, tier).status();
      return [tier, queueView(tier, status, marketClock.now())] as const;
    }),
  );
  const queueOf = new Map(queues);
  const asks = queues.map(([tier, { depth }]) => {
    const groups = Map.groupBy(byTier.get(tier) ?? [], (symbol) =>
      groupOf(symbol, settings.symbolGroups),
    );
    return { tier, depth, groupSizes: [...groups.values()].map((own) => own.length) };
  });
  const first = firstServing(asked.interval, settings);
  const estimate = estimateBackfill(asked, asks, first?.cost ?? null, rules);
  const body = estimateView(estimate, first?.provider ?? null, (tier) => {
    const queue = queueOf.get(tier);
    if (queue === undefined) throw new RangeError(`nothing is asked of ${tier}`);
    return queue;
  });
  return context.json(body);
}

/** The first of the policy that serves history, be it late, and what it costs. */
function firstServing(
  interval: AskedRange["interval"],
  settings: Settings,
): { readonly provider: ProviderId; readonly cost: ProviderCost } | null {
  const capability = interval === "1m" ? "bars_1m" : "bars_1d";
  const standing = policyStandings(settings).find((one) => one.capability === capability);
  for (const { provider, reason } of standing?.places ?? []) {
    const perCall = symbolsPerCall(provider, capability);
    if (reason !== null || perCall === null) continue;
    return {
      provider,
      cost: {
        symbolsPerCall: perCall,
        barsPerCall: barsPerCall(provider),
        callsPerMinute: callsPerMinute(provider, settings),
      },
    };
  }
  return null;
}

function invalid(context: Context<ApiEnv>, code: string, field: string, message: string): Response {
  const errors = [{ field, message }];
  return problem(context, 422, { code, detail: `${field}: ${message}`, extra: { errors } });
}
