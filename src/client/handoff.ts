import { z } from "zod";
import {
  CHANNEL_CLASS,
  type FlushFrame,
  flushFrameSchema,
  type Handoff,
} from "../contracts/stream.ts";
import { formatToken, type Position } from "../stream/token.ts";
import { type DiffPlan, type HandedBars, readDiff } from "./diff-pages.ts";
import type { BarEvent } from "./events.ts";
import { type PageReading, readPage, serviceUrl } from "./read-page.ts";
import type { Selection } from "./selection.ts";

const DIFF_PATH = "/v1/bars/diff";
const REPLAY_PATH = "/v1/stream/replay";
/** What a replay page gives at most. */
const PAGE_FLUSHES = 1_000;
/** A replay names this many symbols at most; a client of more takes its own out of the whole group's. */
const MAX_NAMED_SYMBOLS = 1_000;

/** How a hand-off is followed. */
export type HandoffPlan =
  | ({ readonly kind: "diff" } & DiffPlan)
  | { readonly kind: "replay"; readonly url: URL; readonly joinFs: number };

/** What a hand-off brings: a part of the beliefs, or flushes. */
export type HandoffPart =
  | ({ readonly kind: "bars" } & HandedBars)
  | { readonly kind: "flushes"; readonly flushes: readonly FlushFrame[] };

/**
 * How to follow a hand-off of a stream that stands at `position`; a text says why it can't be trusted. A diff must
 * begin no later than the position, and is asked for each interval that the client takes.
 */
export function planHandoff(
  { url, urls, join_fs: joinFs }: Handoff,
  { origin, position, selection }: HandoffScope,
): HandoffPlan | string {
  const asked = [url, ...(urls ?? [])].map((text) => serviceUrl(text, origin));
  const known = asked.filter((each) => each !== null);
  const [first] = known;
  if (first === undefined || known.length < asked.length) return "a hand-off leads elsewhere";
  if (first.pathname === REPLAY_PATH) return { kind: "replay", url: first, joinFs };
  if (known.some(({ pathname }) => pathname !== DIFF_PATH)) return "a hand-off to another route";
  const spans = known.map((each) => ({
    afterMs: instantOf(each.searchParams.get("as_of_a")),
    untilMs: instantOf(each.searchParams.get("as_of_b")),
  }));
  const [span] = spans;
  if (span === undefined || spans.some(({ untilMs }) => untilMs !== span.untilMs))
    return "the parts of a hand-off end at different times";
  // NaN is not earlier than anything.
  if (!spans.every(({ afterMs, untilMs }) => afterMs <= position.at && untilMs >= afterMs))
    return "a hand-off begins after the position";
  const channels = selection.channels.filter(isBarChannel);
  const byChannel = channels.map((channel): [BarEvent["channel"], URL] => [
    channel,
    known.find((each) => intervalOf(each) === INTERVALS[channel]) ?? withInterval(first, channel),
  ]);
  return { kind: "diff", urls: new Map(byChannel), untilMs: span.untilMs };
}

/** Whose hand-off it is. */
export interface HandoffScope {
  readonly origin: string;
  readonly position: Position;
  readonly selection: Selection;
}

/** What a plan brings, in order. Throws when it can't be had. */
export async function* followHandoff(
  plan: HandoffPlan,
  selection: Selection,
  reading: PageReading,
): AsyncGenerator<HandoffPart> {
  if (plan.kind === "diff") {
    for await (const part of readDiff(plan, selection, reading)) yield { kind: "bars", ...part };
    return;
  }
  for await (const flushes of replayPages(plan, selection, reading))
    yield { kind: "flushes", flushes };
}

const INTERVALS = { "bars.1m": "1m", "bars.1d": "1d" } as const;

function isBarChannel(channel: Selection["channels"][number]): channel is BarEvent["channel"] {
  return CHANNEL_CLASS[channel] === "bars";
}

function intervalOf(url: URL): string {
  return url.searchParams.get("interval") ?? "1m";
}

function withInterval(url: URL, channel: BarEvent["channel"]): URL {
  const other = new URL(url);
  other.searchParams.set("interval", INTERVALS[channel]);
  return other;
}

function instantOf(text: string | null): number {
  if (text === null) return NaN;
  return /^\d+$/.test(text) ? Number(text) : Date.parse(text);
}

const replaySchema = z.object({
  flushes: z.array(flushFrameSchema),
  streams: z.tuple([
    z.object({ truncated: z.boolean(), join_fs: z.number(), complete: z.boolean() }),
  ]),
});

async function* replayPages(
  plan: Extract<HandoffPlan, { kind: "replay" }>,
  { symbols }: Selection,
  reading: PageReading,
): AsyncGenerator<readonly FlushFrame[]> {
  const url = new URL(plan.url);
  url.searchParams.set("limit", String(PAGE_FLUSHES));
  const isNamed = symbols !== "*" && symbols.size <= MAX_NAMED_SYMBOLS;
  if (isNamed) url.searchParams.set("symbols", [...symbols].join(","));
  for (;;) {
    const page = await readPage(url, replaySchema, reading);
    const [stream] = page.streams;
    if (stream.truncated) throw new Error("part of a replay has left the log");
    const flushes = page.flushes.filter((frame) => frame.fs < plan.joinFs);
    // Counts of the whole group say nothing about some of its symbols.
    yield isNamed || symbols === "*" ? flushes : flushes.map(withoutCounts);
    if (stream.complete || stream.join_fs >= plan.joinFs) return;
    const last = page.flushes.at(-1);
    if (last === undefined) throw new Error("a replay gave an empty page before its end");
    const from = formatToken([[last.g, { epoch: last.e, fs: last.fs, at: last.at }]]);
    if (from === url.searchParams.get("from")) throw new Error("a replay does not go on");
    url.searchParams.set("from", from);
  }
}

function withoutCounts(frame: FlushFrame): FlushFrame {
  const { man: _man, ...rest } = frame;
  return rest;
}
