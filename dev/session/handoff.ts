import { z } from "zod";
import { type FlushFrame, flushFrameSchema } from "../../src/contracts/stream.ts";
import { formatToken } from "../../src/stream/token.ts";

/** Flushes of one page: what the route gives at most. */
const PAGE_FLUSHES = 1_000;
/** Pages of one hand-off: a log holds a few thousand flushes, and a page at least one. */
const MAX_PAGES = 10_000;

const pageSchema = z.object({
  flushes: z.array(flushFrameSchema),
  streams: z.tuple([
    z.object({ e: z.string(), truncated: z.boolean(), join_fs: z.number(), complete: z.boolean() }),
  ]),
});

/** Where a client that was handed off fetches, and up to where: live frames begin with `joinFs`. */
export interface Handoff {
  readonly baseUrl: string;
  readonly key: string;
  /** Path and query as the server gave it. */
  readonly url: string;
  readonly joinFs: number;
  /** Canonical symbols, or `*` alone. */
  readonly symbols: readonly string[];
}

/**
 * The flushes of a stream that a resume handed off to HTTP, page by page, up to the one before `joinFs`.
 * Rejects when a page can't be had or says that something has left the log.
 */
export async function* followHandoff(handoff: Handoff): AsyncGenerator<readonly FlushFrame[]> {
  const url = new URL(handoff.url, handoff.baseUrl);
  url.searchParams.set("limit", String(PAGE_FLUSHES));
  if (!handoff.symbols.includes("*")) url.searchParams.set("symbols", handoff.symbols.join(","));
  for (let count = 0; count < MAX_PAGES; count += 1) {
    const response = await fetch(url, { headers: { authorization: `Bearer ${handoff.key}` } });
    if (!response.ok) throw new Error(`replay answered ${response.status}`);
    const page = pageSchema.parse(await response.json());
    const [stream] = page.streams;
    if (stream.truncated) throw new Error("the replay was truncated");
    const flushes = page.flushes.filter((frame) => frame.fs < handoff.joinFs);
    yield flushes;
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
