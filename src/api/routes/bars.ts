import { type OpenAPIHono, z } from "@hono/zod-openapi";
import { groupOf } from "../../domain/symbol.ts";
import { DAY_MS, toIso } from "../../domain/time.ts";
import { marketClock } from "../../platform/clocks.ts";
import { readBars } from "../../postgres/bars-store.ts";
import { sqlClientOf } from "../../postgres/service-client.ts";
import type { ApiEnv } from "../api-env.ts";
import { barView, barViewSchema } from "../bar-view.ts";
import { horizonOf } from "../horizon.ts";
import { formatPageToken, parsePageToken } from "../page-token.ts";
import { countParam, instantParam, registerRead, symbolsParam } from "../parameters.ts";
import { problem } from "../problem.ts";

/** How far back a read without `start` goes: a day of minutes, a month of days. */
const DEFAULT_SPAN_MS = { "1m": DAY_MS, "1d": 31 * DAY_MS };

const querySchema = z.object({
  symbols: symbolsParam,
  interval: z.enum(["1m", "1d"]).default("1m"),
  start: instantParam.optional(),
  end: instantParam.optional(),
  as_of: instantParam.optional(),
  limit: countParam(1, 10_000, 1_000),
  page_token: z.string().max(200).optional(),
});

const answerSchema = z.object({
  bars: z.array(barViewSchema),
  interval: z.string(),
  as_of: z.iso.datetime(),
  horizon: z.iso.datetime(),
  next_page_token: z.string().nullable(),
});

/**
 * `GET /v1/bars`: bars by symbol and time as they were known at `as_of` (default: now, lowered to the
 * horizon, so that the same URL with the echoed `as_of` answers the same for ever).
 */
export function registerBars(app: OpenAPIHono<ApiEnv>): void {
  const route = {
    path: "/v1/bars",
    summary: "Bars as they were known at `as_of`",
    query: querySchema,
    answer: answerSchema,
  };
  registerRead(app, route, async (context, query) => {
    const { settings } = context.var;
    const sql = sqlClientOf(settings);
    const nowMs = marketClock.now();
    const shape = `${query.symbols.join(",")}|${query.interval}|${query.start ?? ""}|${query.end ?? ""}`;
    const page =
      query.page_token === undefined ? undefined : parsePageToken(query.page_token, shape);
    if (page === null) {
      const detail = "page_token does not continue this query";
      return problem(context, 400, { code: "bad_page_token", detail });
    }
    const pinnedMs = page?.asOfMs ?? query.as_of;
    const groups = [
      ...new Set(query.symbols.map((symbol) => groupOf(symbol, settings.symbolGroups))),
    ];
    const horizonMs = await horizonOf(groups, pinnedMs ?? nowMs, nowMs, sql, context.env);
    if (pinnedMs !== undefined && pinnedMs > horizonMs) {
      return problem(context, 409, {
        code: "not_yet_known",
        detail: "as_of is above the horizon: what was known then is not complete yet",
        extra: { horizon: toIso(horizonMs) },
      });
    }
    const asOfMs = pinnedMs ?? horizonMs;
    // Nothing here depends on the clock once as_of is pinned: the same URL answers the same for ever.
    const endMs = page?.endMs ?? query.end ?? asOfMs;
    const startMs = page?.startMs ?? query.start ?? endMs - DEFAULT_SPAN_MS[query.interval];
    if (startMs >= endMs) {
      return problem(context, 422, {
        code: "invalid_parameter",
        detail: "start must be before end",
      });
    }
    const bars = await readBars(sql, {
      symbols: query.symbols,
      interval: query.interval,
      startMs,
      endMs,
      asOfMs,
      limit: query.limit,
      ...(page === undefined ? {} : { after: page.after }),
    });
    const last = bars.length === query.limit ? bars.at(-1) : undefined;
    const sources = new Set(bars.map((bar) => `${bar.provider}/${bar.feed}`));
    return context.json(
      {
        bars: bars.map(barView),
        interval: query.interval,
        as_of: toIso(asOfMs),
        horizon: toIso(horizonMs),
        next_page_token:
          last === undefined
            ? null
            : formatPageToken({ asOfMs, startMs, endMs, after: last }, shape),
      },
      200,
      { "X-Data-Sources": [...sources].toSorted().join(", ") },
    );
  });
}
