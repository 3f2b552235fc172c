import { type OpenAPIHono, z } from "@hono/zod-openapi";
import { groupOf } from "../../domain/symbol.ts";
import { toIso } from "../../domain/time.ts";
import type { Settings } from "../../env.ts";
import { type BarChange, readDiff } from "../../postgres/diff-store.ts";
import { readGroupSymbols } from "../../postgres/group-symbols.ts";
import { sqlClientOf } from "../../postgres/service-client.ts";
import type { SqlClient } from "../../postgres/sql-client.ts";
import type { ApiEnv } from "../api-env.ts";
import { changeColumns, changeView, changeViewSchema } from "../change-view.ts";
import { formatDiffToken, parseDiffToken } from "../diff-token.ts";
import { knownAt, notYetKnown } from "../known-at.ts";
import { registerRead } from "../parameters.ts";
import { countParam, instantParam, symbolsParam } from "../query-values.ts";
import { type FieldFault, invalidParameters } from "../parse-query.ts";
import { problem } from "../problem.ts";
import { answerRows, formatOf } from "../rows-answer.ts";

const querySchema = z.object({
  as_of_a: instantParam,
  as_of_b: instantParam.optional(),
  symbols: symbolsParam.optional(),
  group: z
    .string()
    .regex(/^\d{1,4}$/, "not the number of a group")
    .transform(Number)
    .optional(),
  start: instantParam.optional(),
  end: instantParam.optional(),
  interval: z.enum(["1m", "1d"]).default("1m"),
  include: z.literal("before").optional(),
  limit: countParam(1, 10_000, 1_000),
  page_token: z.string().max(200).optional(),
});
type Query = z.output<typeof querySchema>;

const route = {
  path: "/v1/bars/diff",
  summary: "Every belief that became known after `as_of_a` and not after `as_of_b`, in that order",
  query: querySchema,
  answer: z.object({
    changes: z.array(changeViewSchema),
    interval: z.string(),
    as_of_a: z.iso.datetime(),
    as_of_b: z.iso.datetime(),
    horizon: z.iso.datetime(),
    next_page_token: z.string().nullable(),
  }),
  row: changeViewSchema,
};

/**
 * `GET /v1/bars/diff`: what changed between two knowledge times, and who gave it: every first belief and every
 * revision with `as_of` in `(as_of_a, as_of_b]` (default: now, lowered to the horizon and echoed), by `as_of`, symbol
 * and start. Diffs whose times join have every belief once. A bar deleted by hand is no belief. `start` and `end`
 * bound the bars' starts: without them every stored day is looked into.
 */
export function registerBarsDiff(app: OpenAPIHono<ApiEnv>): void {
  registerRead(app, route, async (context, query) => {
    const format = formatOf(context);
    if (format instanceof Response) return format;
    const { settings } = context.var;
    const fault = queryFault(query, settings);
    if (fault !== null) return invalidParameters(context, [fault]);
    const shape = shapeOf(query);
    const page =
      query.page_token === undefined ? undefined : parseDiffToken(query.page_token, shape);
    if (page === null) {
      const detail = "page_token does not continue this query";
      return problem(context, 400, { code: "bad_page_token", detail });
    }
    const sql = sqlClientOf(settings);
    const pinnedMs = page?.untilMs ?? query.as_of_b;
    const groups = groupsOf(query, settings);
    const known = await knownAt(context, sql, groups, { pinnedMs, name: "as_of_b" });
    if ("refused" in known) return known.refused;
    const { asOfMs: untilMs, horizonMs } = known;
    if (query.as_of_a > untilMs) return notYetKnown(context, "as_of_a", horizonMs);
    const withBefore = query.include === "before";
    const changes = await readDiff(sql, {
      symbols: await symbolsOf(query, sql),
      interval: query.interval,
      afterMs: query.as_of_a,
      untilMs,
      startMs: query.start ?? null,
      endMs: query.end ?? null,
      limit: query.limit,
      withBefore,
      ...(page === undefined ? {} : { after: page.after }),
    });
    const last = changes.length === query.limit ? changes.at(-1) : undefined;
    return await answerRows(context, format, {
      name: "changes",
      columns: changeColumns(withBefore),
      rows: changes.map((change) => changeView(change, withBefore)),
      facts: {
        interval: query.interval,
        as_of_a: toIso(query.as_of_a),
        as_of_b: toIso(untilMs),
        horizon: toIso(horizonMs),
        next_page_token:
          last === undefined ? null : formatDiffToken({ untilMs, after: last.place }, shape),
      },
      sources: sourcesOf(changes),
      isPinned: pinnedMs !== undefined,
    });
  });
}

function queryFault(query: Query, { symbolGroups }: Settings): FieldFault | null {
  const { symbols, group, as_of_a: a, as_of_b: b, start, end } = query;
  if ((symbols === undefined) === (group === undefined))
    return { field: "symbols", message: "give either symbols or group" };
  if (group !== undefined && group >= symbolGroups)
    return { field: "group", message: `there are ${symbolGroups} groups, the first is 0` };
  if (b !== undefined && a > b)
    return { field: "as_of_a", message: "must not be later than as_of_b" };
  if (start !== undefined && end !== undefined && start >= end)
    return { field: "start", message: "must be before end" };
  return null;
}

/** What makes two queries pages of one: all that names rows, and nothing that says how many. */
function shapeOf(query: Query): string {
  const { symbols, group, start, end, interval, include } = query;
  const bounds = [query.as_of_a, query.as_of_b, start, end].map((value) => value ?? "").join("|");
  return `${symbols?.join(",") ?? `group ${group}`}|${interval}|${include ?? ""}|${bounds}`;
}

function groupsOf({ symbols, group }: Query, { symbolGroups }: Settings): number[] {
  if (symbols === undefined) return group === undefined ? [] : [group];
  return [...new Set(symbols.map((symbol) => groupOf(symbol, symbolGroups)))];
}

async function symbolsOf({ symbols, group }: Query, sql: SqlClient): Promise<readonly string[]> {
  if (symbols !== undefined) return symbols;
  return group === undefined ? [] : await readGroupSymbols(sql, group);
}

function sourcesOf(changes: readonly BarChange[]): string[] {
  return changes.map(({ bar }) => `${bar.provider}/${bar.feed}`);
}
