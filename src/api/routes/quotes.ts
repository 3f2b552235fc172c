import { type OpenAPIHono, z } from "@hono/zod-openapi";
import { isCanonicalSymbol, groupOf } from "../../domain/symbol.ts";
import { DAY_MS, toIso } from "../../domain/time.ts";
import { marketClock } from "../../platform/clocks.ts";
import { errorText, log } from "../../platform/log.ts";
import { symbolGroupStub } from "../../platform/stubs.ts";
import { readCursors } from "../../postgres/cursor-store.ts";
import { MAX_QUOTE_ROWS, readQuotes } from "../../postgres/quotes-store.ts";
import { sqlClientOf } from "../../postgres/service-client.ts";
import type { KnownQuote } from "../../stream/home-port.ts";
import type { ApiEnv } from "../api-env.ts";
import { notYetKnown } from "../known-at.ts";
import { formatPageToken, parsePageToken } from "../page-token.ts";
import { registerRead } from "../parameters.ts";
import { countParam, instantParam, symbolsParam } from "../query-values.ts";
import { invalidParameters } from "../parse-query.ts";
import { problem } from "../problem.ts";
import {
  latestQuoteSchema,
  latestQuoteView,
  quoteSchema,
  quoteView,
  sourceOf,
} from "../quote-view.ts";
import { answerRows, formatOf } from "../rows-answer.ts";

const latestRoute = {
  path: "/v1/quotes/latest",
  summary: "The last quote of each symbol, as it stands for the market of now",
  query: z.object({ symbols: symbolsParam }),
  answer: z.object({
    quotes: z.array(latestQuoteSchema),
    at: z.iso.datetime(),
    /** Symbols of which no quote is known. */
    without_quote: z.array(z.string()),
  }),
  row: latestQuoteSchema,
};

const historyRoute = {
  path: "/v1/quotes",
  summary: "The quotes of a symbol as they were sampled, by event time",
  query: z.object({
    symbol: z.string().refine(isCanonicalSymbol, "not a canonical symbol"),
    start: instantParam.optional(),
    end: instantParam.optional(),
    limit: countParam(1, MAX_QUOTE_ROWS, 1_000),
    page_token: z.string().max(200).optional(),
  }),
  answer: z.object({
    quotes: z.array(quoteSchema),
    /** Everything known by then is in the answer; null: nothing was stored yet. */
    horizon: z.iso.datetime().nullable(),
    next_page_token: z.string().nullable(),
  }),
  row: quoteSchema,
};

/** `GET /v1/quotes/latest` and `GET /v1/quotes`. */
export function registerQuotes(app: OpenAPIHono<ApiEnv>): void {
  registerLatest(app);
  registerHistory(app);
}

/**
 * From the groups, not from Postgres: an answer that is of now can't be repeatable, so the horizon does
 * not bind it, and the groups know a quote up to a minute before Postgres does, also while that is away.
 */
function registerLatest(app: OpenAPIHono<ApiEnv>): void {
  registerRead(app, latestRoute, async (context, { symbols }) => {
    const format = formatOf(context);
    if (format instanceof Response) return format;
    const { symbolGroups } = context.var.settings;
    const groups = [...new Set(symbols.map((symbol) => groupOf(symbol, symbolGroups)))];
    const asked = await Promise.allSettled(
      groups.map((group) => symbolGroupStub(context.env, group).latestQuotes()),
    );
    const known = new Map<string, KnownQuote>();
    for (const result of asked) {
      // Part of an answer would look like symbols without a quote.
      if (result.status === "rejected") {
        log("warn", "a group did not say its quotes", { error: errorText(result.reason) });
        const detail = "a symbol group does not answer: try again";
        return problem(context, 503, { code: "unavailable", detail });
      }
      for (const quote of result.value.quotes) known.set(quote.quote.symbol, quote);
    }
    const nowMs = marketClock.now();
    const found = symbols.map((symbol) => known.get(symbol)).filter((quote) => quote !== undefined);
    return await answerRows(context, format, {
      name: "quotes",
      columns: Object.keys(latestQuoteSchema.shape),
      rows: found.map(({ quote, status, asOf }) => latestQuoteView(quote, status, asOf, nowMs)),
      facts: { at: toIso(nowMs) },
      beside: { without_quote: symbols.filter((symbol) => !known.has(symbol)) },
      sources: found.map(({ quote }) => sourceOf(quote)),
      isPinned: false,
    });
  });
}

/** From Postgres, up to what the symbol's group had brought there when the first page was read. */
function registerHistory(app: OpenAPIHono<ApiEnv>): void {
  registerRead(app, historyRoute, async (context, query) => {
    const format = formatOf(context);
    if (format instanceof Response) return format;
    const { settings } = context.var;
    const sql = sqlClientOf(settings);
    const shape = `${query.symbol}|quotes|${query.start ?? ""}|${query.end ?? ""}`;
    const page =
      query.page_token === undefined ? undefined : parsePageToken(query.page_token, shape);
    if (page === null) {
      const detail = "page_token does not continue this query";
      return problem(context, 400, { code: "bad_page_token", detail });
    }
    const cursors = await readCursors(sql, [groupOf(query.symbol, settings.symbolGroups)]);
    const drained = cursors.find((cursor) => cursor.class === "quotes");
    const asOfMs = page?.asOfMs ?? drained?.asOfMs;
    // Also a true one, when Postgres was set back: what follows would be another answer than what it continues.
    if (page !== undefined && page.asOfMs > (drained?.asOfMs ?? 0))
      return notYetKnown(context, "page_token", drained?.asOfMs ?? 0);
    const answer = { name: "quotes", columns: Object.keys(quoteSchema.shape), isPinned: false };
    if (asOfMs === undefined) {
      const facts = { horizon: null, next_page_token: null };
      return await answerRows(context, format, { ...answer, rows: [], facts, sources: [] });
    }
    const endMs = page?.endMs ?? query.end ?? asOfMs + 1;
    const startMs = page === undefined ? (query.start ?? endMs - DAY_MS) : page.after.ts + 1;
    if (page === undefined && startMs >= endMs) {
      return invalidParameters(context, [{ field: "start", message: "must be before end" }]);
    }
    const { symbol, limit } = query;
    const quotes = await readQuotes(sql, { symbol, startMs, endMs, asOfMs, limit });
    const last = quotes.length >= limit ? quotes.at(-1) : undefined;
    return await answerRows(context, format, {
      ...answer,
      rows: quotes.map((quote) => quoteView(quote, quote.status, quote.asOfMs)),
      facts: {
        horizon: toIso(asOfMs),
        next_page_token:
          last === undefined
            ? null
            : formatPageToken({ asOfMs, startMs, endMs, after: { symbol, ts: last.ts } }, shape),
      },
      sources: quotes.map(sourceOf),
    });
  });
}
