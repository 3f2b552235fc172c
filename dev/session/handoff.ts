import { z } from "zod";
import { type FlushFrame, flushFrameSchema } from "../../src/contracts/stream.ts";
import type { EpochMs } from "../../src/domain/time.ts";
import { formatToken } from "../../src/stream/token.ts";

/** Flushes of one page: what the route gives at most. */
const PAGE_FLUSHES = 1_000;
/** Beliefs of one page of a diff: what the route gives at most. */
const PAGE_BELIEFS = 10_000;
/** Pages of one hand-off: a log holds a few thousand flushes, and a page at least one. */
const MAX_PAGES = 10_000;
/** Beliefs of one hand-off are kept until the last page has come: a group's session has 40,000. */
const MAX_BELIEFS = 2_000_000;
const DIFF_PATH = "/v1/bars/diff";

const pageSchema = z.object({
  flushes: z.array(flushFrameSchema),
  streams: z.tuple([
    z.object({ e: z.string(), truncated: z.boolean(), join_fs: z.number(), complete: z.boolean() }),
  ]),
});
const changeSchema = z.object({
  symbol: z.string(),
  ts: z.iso.datetime(),
  open: z.number(),
  high: z.number(),
  low: z.number(),
  close: z.number(),
  volume: z.number(),
  trade_count: z.number().nullable(),
  vwap: z.number().nullable(),
  revision: z.number(),
  provider: z.string(),
  feed: z.string(),
  status: z.string(),
});
const diffSchema = z.object({
  changes: z.array(changeSchema),
  as_of_b: z.iso.datetime(),
  next_page_token: z.string().nullable(),
});

/** Where a client that was handed off fetches, and up to where: the socket goes on with `joinFs`. */
export interface Handoff {
  readonly baseUrl: string;
  readonly key: string;
  /** Path and query as the server gave it. */
  readonly url: string;
  readonly joinFs: number;
  /** Canonical symbols, or `*` alone. */
  readonly symbols: readonly string[];
}

/** A belief of a diff; `chars` is what it would have been on the socket. */
export interface HandedBelief {
  readonly symbol: string;
  readonly ts: EpochMs;
  readonly revision: number;
  readonly chars: number;
}

/** What a hand-off brings: flushes in order, or at its end all beliefs up to a knowledge time. */
export type HandoffPart =
  | { readonly kind: "flushes"; readonly frames: readonly FlushFrame[] }
  | {
      readonly kind: "beliefs";
      readonly beliefs: readonly HandedBelief[];
      readonly untilMs: EpochMs;
    };

/** Whether a hand-off is a diff, after which the socket replays from `join_fs`; or the replay over HTTP. */
export function isDiff(url: string): boolean {
  return new URL(url, "http://service").pathname === DIFF_PATH;
}

/**
 * What a resume handed off to HTTP: the flushes of a stream up to the one before `joinFs`, page by page, or what
 * became known meanwhile. Rejects when a page can't be had or says that something has left the log.
 */
export function followHandoff(handoff: Handoff): AsyncGenerator<HandoffPart> {
  return isDiff(handoff.url) ? followDiff(handoff) : followReplay(handoff);
}

async function* followReplay(handoff: Handoff): AsyncGenerator<HandoffPart> {
  const url = new URL(handoff.url, handoff.baseUrl);
  url.searchParams.set("limit", String(PAGE_FLUSHES));
  if (!handoff.symbols.includes("*")) url.searchParams.set("symbols", handoff.symbols.join(","));
  for (let count = 0; count < MAX_PAGES; count += 1) {
    const page = pageSchema.parse(await getJson(url, handoff.key));
    const [stream] = page.streams;
    if (stream.truncated) throw new Error("the replay was truncated");
    const frames = page.flushes.filter((frame) => frame.fs < handoff.joinFs);
    yield { kind: "flushes", frames };
    const last = page.flushes.at(-1);
    if (stream.complete || stream.join_fs >= handoff.joinFs) return;
    if (last === undefined) throw new Error("the replay gave an empty page before its end");
    url.searchParams.set(
      "from",
      formatToken([[last.g, { epoch: last.e, fs: last.fs, at: last.at }]]),
    );
  }
  throw new Error("the replay did not end");
}

/** All pages at once: a client that drops in the middle has nothing of it and asks again. */
async function* followDiff(handoff: Handoff): AsyncGenerator<HandoffPart> {
  const url = new URL(handoff.url, handoff.baseUrl);
  url.searchParams.set("limit", String(PAGE_BELIEFS));
  const beliefs: HandedBelief[] = [];
  for (let count = 0; count < MAX_PAGES; count += 1) {
    const page = diffSchema.parse(await getJson(url, handoff.key));
    for (const change of page.changes) beliefs.push(beliefOf(change));
    if (beliefs.length > MAX_BELIEFS) throw new Error("the diff is too large to be one hand-off");
    if (page.next_page_token === null) {
      yield { kind: "beliefs", beliefs, untilMs: Date.parse(page.as_of_b) };
      return;
    }
    url.searchParams.set("page_token", page.next_page_token);
  }
  throw new Error("the diff did not end");
}

function beliefOf(change: z.infer<typeof changeSchema>): HandedBelief {
  const { symbol, revision } = change;
  const ts = Date.parse(change.ts);
  const { open, high, low, close, volume, trade_count: count, vwap } = change;
  const { provider, feed, status } = change;
  const row = [symbol, ts, open, high, low, close, volume, count, vwap, revision];
  const chars = JSON.stringify([...row, provider, feed, status]).length + 1;
  return { symbol, ts, revision, chars };
}

/** Whether what comes after a position has left the log of its stream in part, or is of another epoch. */
export async function hasLeftLog(baseUrl: string, key: string, token: string): Promise<boolean> {
  const url = new URL("/v1/stream/replay", baseUrl);
  url.searchParams.set("from", token);
  url.searchParams.set("limit", "1");
  return pageSchema.parse(await getJson(url, key)).streams[0].truncated;
}

async function getJson(url: URL, key: string): Promise<unknown> {
  const response = await fetch(url, { headers: { authorization: `Bearer ${key}` } });
  if (!response.ok)
    throw new Error(`${url.pathname} answered ${response.status}: ${await startOf(response)}`);
  return await response.json();
}

async function startOf(response: Response): Promise<string> {
  return (await response.text()).slice(0, 200);
}
