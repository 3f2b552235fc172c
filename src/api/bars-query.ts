import { z } from "@hono/zod-openapi";
import { INTERVAL_MS, READ_INTERVALS } from "../domain/interval.ts";
import { FEEDS } from "../domain/provider-id.ts";
import { SESSION_CHOICES } from "../domain/session-ranges.ts";
import { DAY_MS, type EpochMs, type TimeRange } from "../domain/time.ts";
import { countParam, instantParam, symbolsParam } from "./query-values.ts";

/** What `GET /v1/bars` takes. `symbols=*` is every symbol of the market, for one bar of each. */
export const barsQuerySchema = z.object({
  symbols: z.union([z.literal("*"), symbolsParam]).optional(),
  group: z
    .string()
    .regex(/^g\d{2,4}$/, "not the name of a symbol group, such as g07")
    .transform((name) => Number(name.slice(1)))
    .optional(),
  interval: z.enum(READ_INTERVALS).default("1m"),
  start: instantParam.optional(),
  end: instantParam.optional(),
  as_of: instantParam.optional(),
  knowledge: z.enum(["actual", "assumed"]).default("actual"),
  adjust: z.enum(["raw", "split"]).default("raw"),
  session: z.enum(SESSION_CHOICES).optional(),
  include: z.literal("no_trade").optional(),
  feed: z.enum(FEEDS).optional(),
  sort: z.enum(["asc", "desc"]).default("asc"),
  limit: countParam(1, 10_000, 1_000),
  page_token: z.string().max(300).optional(),
});
export type BarsParameters = z.output<typeof barsQuerySchema>;

/** A parameter that does not go with the others. */
export interface ParameterFault {
  readonly field: string;
  readonly message: string;
}

/** How far back a read without `start` goes. */
const DEFAULT_SPAN_MS = {
  "1m": DAY_MS,
  "5m": 7 * DAY_MS,
  "1h": 31 * DAY_MS,
  "1d": 31 * DAY_MS,
} as const;

export const BACKWARDS = "start must be before end";

/** Whether a range begins at its end or later; `nowMs` ends one that has no end. */
export function isBackwards({ symbols, start, end }: BarsParameters, nowMs: EpochMs): boolean {
  if (start === undefined || (symbols === "*" && end === undefined)) return false;
  return start >= (end ?? nowMs);
}

/** What does not go together in a query; null when all does. `symbolGroups`: how many groups there are. */
export function queryFault(query: BarsParameters, symbolGroups: number): ParameterFault | null {
  const fault = (field: string, message: string): ParameterFault => ({ field, message });
  if ((query.symbols === undefined) === (query.group === undefined))
    return fault("symbols", "exactly one of symbols and group is needed");
  if (isBackwards(query, Infinity)) return fault("start", BACKWARDS);
  if (query.group !== undefined && query.group >= symbolGroups)
    return fault("group", `there are ${symbolGroups} groups`);
  if (query.session !== undefined && query.interval === "1d")
    return fault("session", "a daily bar has no sessions: it is what the provider gives");
  if (query.symbols === "*" && barsOf(query) !== 1)
    return fault(
      "start",
      "symbols=* is for one ts: start (and end) must span the start of one bar",
    );
  return query.include === undefined ? null : noTradeFault(query, fault);
}

/**
 * That a minute had no trade is known from what its group believes now; what it believed before is not kept. So the
 * rows can be had as of now only, and whole: a further page would have to be read as of the first one.
 */
function noTradeFault(
  query: BarsParameters,
  fault: (field: string, message: string) => ParameterFault,
): ParameterFault | null {
  const now = "include=no_trade is as of now: which minutes were settled earlier is not kept";
  if (query.as_of !== undefined) return fault("as_of", now);
  if (query.page_token !== undefined) return fault("page_token", now);
  if (query.knowledge === "assumed") return fault("knowledge", now);
  if (query.interval !== "1m") return fault("interval", "include=no_trade is for interval=1m");
  if (query.symbols === "*") return fault("symbols", "include=no_trade needs symbols or a group");
  if (query.session === "pre" || query.session === "post")
    return fault("session", "only regular minutes are expected");
  return null;
}

/** How many bars of a symbol may start in the range that is given. */
function barsOf(query: BarsParameters): number {
  if (query.start === undefined) return 0;
  const { startMs, endMs } = rangeOf(query, query.start);
  return (endMs - startMs) / INTERVAL_MS[query.interval];
}

/**
 * Where the bars of a query start, on the clock of the interval: a bar belongs to the range when its start does.
 * `nowMs` ends a range that has no end.
 */
export function rangeOf(query: BarsParameters, nowMs: EpochMs): TimeRange {
  const width = INTERVAL_MS[query.interval];
  const onClock = (ms: EpochMs) => Math.ceil(ms / width) * width;
  const oneBarEndMs =
    query.symbols === "*" && query.start !== undefined ? onClock(query.start) + width : nowMs;
  const endMs = query.end ?? oneBarEndMs;
  const startMs = query.start ?? endMs - DEFAULT_SPAN_MS[query.interval];
  return { startMs: onClock(startMs), endMs: onClock(endMs) };
}

/** Everything that a query asks for: a page token continues only the one that it was given for. */
export function queryShape(query: BarsParameters): string {
  const { limit: _, page_token: __, ...asked } = query;
  return JSON.stringify([
    "bars",
    ...Object.entries(asked).toSorted(([a], [b]) => (a < b ? -1 : 1)),
  ]);
}
