import { type OpenAPIHono, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { groupOf } from "../../domain/symbol.ts";
import { symbolGroupStub } from "../../platform/stubs.ts";
import type { ReplayFrom, ReplayPage } from "../../stream/replay-page.ts";
import { parseStreamName, parseToken } from "../../stream/token.ts";
import type { ApiEnv } from "../api-env.ts";
import { registerRead } from "../parameters.ts";
import { MEDIA_TYPES, type RowFormat } from "../negotiate.ts";
import { countParam, instantParam, symbolsParam } from "../query-values.ts";
import { invalidParameters } from "../parse-query.ts";
import { formatOf } from "../rows-answer.ts";

/** What a Worker holds of all streams of a page. */
const MAX_REPLAY_BYTES = 8 * 1_024 * 1_024;

const limitParam = countParam(1, 1_000, 200);
const sinceQuery = z.object({
  since: instantParam,
  symbols: symbolsParam.optional(),
  limit: limitParam,
});
const tokenQuery = z.object({
  from: z.string().min(1).max(8_192),
  symbols: symbolsParam.optional(),
  limit: limitParam,
});

/** JSON holds both lists; of NDJSON each line is a flush, and the last one where the streams go on. */
const FORMATS = ["json", "ndjson"] as const;

const streamsSchema = z.array(
  z.object({
    g: z.string(),
    e: z.string(),
    oldest: z.number().nullable(),
    truncated: z.boolean(),
    join_fs: z.number(),
    complete: z.boolean(),
  }),
);
const answerSchema = z.object({ flushes: z.array(z.unknown()), streams: streamsSchema });
const lineSchema = z
  .union([z.unknown(), z.object({ streams: streamsSchema })])
  .describe("A flush a line; the last line is an object of `streams` alone");
const sinceRoute = {
  path: "/ws/replay",
  summary: "Flushes since a knowledge time, and where each stream goes on",
  query: sinceQuery,
  answer: answerSchema,
  line: lineSchema,
};
const tokenRoute = {
  path: "/v1/stream/replay",
  summary: "Flushes from a resume token, and where each stream goes on",
  query: tokenQuery,
  answer: answerSchema,
  line: lineSchema,
};

/**
 * The flushes of the stream over HTTP: since a knowledge time, or from a resume token. Merged by
 * knowledge time, ties by stream and number; `limit` flushes a stream, and where to go on.
 */
export function registerReplay(app: OpenAPIHono<ApiEnv>): void {
  registerRead(app, sinceRoute, async (context, { since, symbols, limit }) => {
    const format = formatOf(context, FORMATS);
    if (format instanceof Response) return format;
    const { symbolGroups } = context.var.settings;
    const groups =
      symbols === undefined
        ? Array.from({ length: symbolGroups }, (_, group) => group)
        : [...new Set(symbols.map((symbol) => groupOf(symbol, symbolGroups)))];
    const from = new Map(
      groups.map((group): [number, ReplayFrom] => [group, { kind: "time", sinceMs: since }]),
    );
    return answer(context, format, await readPages(context, from, symbols ?? null, limit));
  });
  registerRead(app, tokenRoute, async (context, { from: token, symbols, limit }) => {
    const format = formatOf(context, FORMATS);
    if (format instanceof Response) return format;
    const positions = parseToken(token);
    if (positions === null)
      return invalidParameters(context, [{ field: "from", message: "not a resume token" }]);
    const from = new Map<number, ReplayFrom>();
    for (const [stream, { epoch, fs }] of positions) {
      const id = parseStreamName(stream);
      if (id === null || id.group >= context.var.settings.symbolGroups) {
        const message = `names the stream ${stream}, which does not exist`;
        return invalidParameters(context, [{ field: "from", message }]);
      }
      // Quotes are latest-value: nothing of them is replayed, a resume on the socket brings the last ones.
      if (id.class === "bars") from.set(id.group, { kind: "position", epoch, fs });
    }
    return answer(context, format, await readPages(context, from, symbols ?? null, limit));
  });
}

async function readPages(
  context: Context<ApiEnv>,
  from: ReadonlyMap<number, ReplayFrom>,
  symbols: readonly string[] | null,
  limit: number,
): Promise<ReplayPage[]> {
  return await Promise.all(
    Array.from(from, ([group, start]) =>
      symbolGroupStub(context.env, group).replay({
        from: start,
        symbols,
        limit,
        maxBytes: Math.floor(MAX_REPLAY_BYTES / from.size),
      }),
    ),
  );
}

function answer(
  context: Context<ApiEnv>,
  format: RowFormat,
  pages: readonly ReplayPage[],
): Response {
  // A stream that has more ends the page for all: what is later than its last flush would come out of order.
  const cutoff = pages.reduce((lowest, page) => {
    const last = page.frames.at(-1);
    return page.complete || last === undefined ? lowest : Math.min(lowest, last.at);
  }, Infinity);
  const merged = pages
    .flatMap((page) => page.frames.map((frame) => ({ ...frame, stream: page.stream })))
    .filter((frame) => frame.at <= cutoff)
    .toSorted((a, b) => a.at - b.at || a.stream.localeCompare(b.stream) || a.fs - b.fs);
  const streams = pages.map((page) => {
    const kept = page.frames.filter((frame) => frame.at <= cutoff);
    const dropped = page.frames.length > kept.length;
    const joinFs = dropped ? (kept.at(-1)?.fs ?? (page.frames[0]?.fs ?? 1) - 1) + 1 : page.joinFs;
    return {
      g: page.stream,
      e: page.epoch,
      oldest: page.oldestAt,
      truncated: page.truncated,
      join_fs: joinFs,
      complete: page.complete && !dropped,
    };
  });
  const flushes = merged.map((frame) => frame.text);
  const body =
    format === "ndjson"
      ? [...flushes, JSON.stringify({ streams })].map((line) => `${line}\n`).join("")
      : `{"flushes":[${flushes.join(",")}],"streams":${JSON.stringify(streams)}}`;
  return context.body(body, 200, { "content-type": MEDIA_TYPES[format], vary: "Accept" });
}
