import {
  type ClientFrame,
  MAX_CONNECTION_SYMBOLS,
  type ResumeResult,
  STREAM_CODES,
} from "../contracts/stream.ts";
import { fnv1a32, groupOf } from "../domain/symbol.ts";
import type { Connection } from "./connection.ts";
import type { StreamHost } from "./host.ts";
import { sendText } from "./outbox.ts";
import { noteResumed } from "./note-resumed.ts";
import { caughtUpFrame, prepareReplays } from "./replay.ts";
import {
  type Followed,
  knownPositions,
  latestBars,
  positionsFrom,
  resumesOf,
  type SubFrame,
  type SubRequest,
  type Wanted,
} from "./starts.ts";
import { isBeyondSymbolLimit } from "./symbol-limit.ts";
import {
  classesOf,
  countSids,
  merged,
  NO_SUBSCRIPTION,
  type Subscription,
  type SymbolSet,
  viewOf,
  withoutSymbols,
  withSymbols,
} from "./subscription.ts";
import { formatToken, parseToken, type Position, type StreamId, streamName } from "./token.ts";

type UnsubFrame = Extract<ClientFrame, { op: "unsub" }>;

/**
 * Subscribes: follows the streams of the symbols, answers with their positions, replays or sends the
 * last quotes as a resume token asks for, and goes live. A wrong symbol is rejected alone.
 */
export async function subscribe(
  host: StreamHost,
  connection: Connection,
  frame: SubFrame,
  symbolGroups: number,
): Promise<void> {
  const token = frame.resume === undefined ? new Map<string, Position>() : parseToken(frame.resume);
  if (token === null) {
    sendError(connection, frame.id, STREAM_CODES.syntax, "resume is not a token");
    return;
  }
  const groups = frame.symbols.includes("*")
    ? Array.from({ length: symbolGroups }, (_, group) => group)
    : [...new Set(frame.symbols.map((symbol) => groupOf(symbol, symbolGroups)))];
  const streams = classesOf(frame.ch).flatMap((streamClass) =>
    groups.map((group): StreamId => ({ group, class: streamClass })),
  );
  await host.whileInterested(streams, () =>
    followAndReplay(host, connection, { frame, token, streams, symbolGroups }),
  );
}

async function followAndReplay(
  host: StreamHost,
  connection: Connection,
  request: SubRequest,
): Promise<void> {
  const { frame, streams, symbolGroups } = request;
  const followed = await Promise.all(
    streams.map(async (id): Promise<Followed> => {
      return { id, stream: streamName(id), answer: await host.follow(id) };
    }),
  );
  const { asked, rejected } = askedFor(host, frame, symbolGroups);
  const subscription = extended(connection.subscription, frame, asked);
  if (isBeyondSymbolLimit(subscription)) {
    const msg = `a connection has ${MAX_CONNECTION_SYMBOLS} symbols at most`;
    sendError(connection, frame.id, STREAM_CODES.symbolLimit, msg);
    return;
  }
  const wanted = followed.flatMap((each): Wanted[] => {
    const { group, class: streamClass } = each.id;
    const view = viewOf(
      { ...subscription, channels: asked.channels },
      streamClass,
      rosterOf(host, group),
    );
    return view === null ? [] : [{ ...each, view }];
  });
  const from = await positionsFrom(host, wanted, request);
  const lastBars =
    frame.from === "snapshot" ? await latestBars(host, connection, wanted, from) : [];
  const replays = await prepareReplays(resumesOf(host, connection, wanted, from), lastBars);
  const lastQuotes = wanted
    .filter(({ id }) => id.class === "quotes")
    .filter(({ stream }) => frame.from === "snapshot" || from.has(stream))
    .map(({ stream }) => stream);
  const joined = wanted.filter(({ stream }) => !connection.positions.has(stream));
  // In the turn in which the replays ended: no flush comes between them, or the last bars, and where live begins.
  connection.subscribe(subscription);
  // Bars that a snapshot holds are not sent again.
  const starts = lastBars.map(({ stream, taken }) => ({ stream, position: taken.position }));
  for (const { stream, position } of [...replays, ...starts]) {
    if (!connection.positions.has(stream)) connection.moveTo(stream, position);
  }
  for (const { stream, answer } of wanted) {
    if (connection.positions.has(stream)) continue;
    connection.moveTo(stream, { epoch: answer.epoch, fs: answer.headFs, at: answer.headAt });
  }
  connection.save();
  host.outbox.send(connection);
  const results = [
    ...replays.map((replay) => replay.result),
    ...lastQuotes.map((g): ResumeResult => ({ g, recovered: true, snapshot: true })),
  ];
  sendText(connection, ackFrame(connection, frame, rejected, results));
  for (const replay of replays) {
    for (const part of replay.frames) sendText(connection, part.text);
    sendText(connection, caughtUpFrame(replay));
  }
  const named = { token: request.token, joined: knownPositions(joined, from) };
  noteResumed(host.watch, connection, named, results);
  for (const { taken } of lastBars) for (const text of taken.frames) sendText(connection, text);
  for (const stream of lastQuotes) host.sendSnapshot(connection, stream);
  for (const { stream } of followed) host.catchUp(connection, stream);
}

/** Takes symbols off a subscription; a stream of which nothing is wanted any more is left. */
export function unsubscribe(
  host: StreamHost,
  connection: Connection,
  frame: UnsubFrame,
  symbolGroups: number,
): void {
  const removed = frame.symbols.includes("*")
    ? "*"
    : sidsOf(host, frame.symbols, symbolGroups).sids;
  const subscription = withoutSymbols(connection.subscription, frame.ch, removed);
  connection.subscribe(subscription);
  for (const id of host.followedStreams()) {
    if (viewOf(subscription, id.class, rosterOf(host, id.group)) === null)
      connection.leave(streamName(id));
  }
  connection.save();
  host.outbox.send(connection);
  sendText(connection, ackFrame(connection, frame, [], []));
}

/** Answers a request that cannot be served; the socket stays open. */
export function sendError(
  connection: Connection,
  id: number | string | undefined,
  code: number,
  msg: string,
  retryAfterMs?: number,
): void {
  connection.conduct.note(code);
  const temporary = code === STREAM_CODES.internal || code === STREAM_CODES.tooFast;
  sendText(
    connection,
    JSON.stringify({
      op: "error",
      ...(id === undefined ? {} : { id }),
      code,
      msg,
      temporary,
      ...(retryAfterMs === undefined ? {} : { retry_after_ms: retryAfterMs }),
    }),
  );
}

const rosterOf = (host: StreamHost, group: number) => host.deps.rosters.of(group);

/** What a frame names, alone; and the symbols that no member has. */
function askedFor(host: StreamHost, frame: SubFrame, symbolGroups: number) {
  if (frame.symbols.includes("*"))
    return { asked: withSymbols(NO_SUBSCRIPTION, frame.ch, "*"), rejected: [] };
  const { sids, unknown } = sidsOf(host, frame.symbols, symbolGroups);
  const rejected = unknown.map((symbol) => ({ symbol, code: STREAM_CODES.unknownSymbol }));
  return { asked: withSymbols(NO_SUBSCRIPTION, frame.ch, sids), rejected };
}

/** A subscription with what a frame asks for; how rows are chosen and written is the whole connection's. */
function extended(before: Subscription, frame: SubFrame, asked: Subscription): Subscription {
  return {
    ...merged(before, asked),
    firstOnly: frame.rev === undefined ? before.firstOnly : frame.rev === "first",
    objects: frame.format === undefined ? before.objects : frame.format === "objects",
  };
}

function sidsOf(host: StreamHost, symbols: readonly string[], symbolGroups: number) {
  const sids: number[] = [];
  const unknown: string[] = [];
  const bySymbol = new Map<number, Map<string, number>>();
  for (const symbol of symbols) {
    const group = groupOf(symbol, symbolGroups);
    let index = bySymbol.get(group);
    if (index === undefined) {
      index = new Map(rosterOf(host, group).map((entry) => [entry.symbol, entry.sid]));
      bySymbol.set(group, index);
    }
    const sid = index.get(symbol);
    if (sid === undefined) unknown.push(symbol);
    else sids.push(sid);
  }
  return { sids, unknown };
}

function ackFrame(
  connection: Connection,
  frame: SubFrame | UnsubFrame,
  rejected: readonly { symbol: string; code: number }[],
  resume: readonly ResumeResult[],
): string {
  const { channels } = connection.subscription;
  // Those that are taken, and those that were asked about.
  const named = new Set([...channels.keys(), ...frame.ch]);
  const subs = Object.fromEntries(
    Array.from(named, (channel) => [channel, summaryOf(channels.get(channel))]),
  );
  return JSON.stringify({
    op: "ack",
    ...(frame.id === undefined ? {} : { id: frame.id }),
    subs,
    rejected,
    token: formatToken(connection.positions),
    ...(frame.op === "sub" && (frame.resume !== undefined || typeof frame.from === "number")
      ? { resume }
      : {}),
  });
}

/**
 * How many symbols a channel has (-1: all) and a hash of which. It is over the internal numbers of the symbols: a
 * client can't compute it, only see that it changed.
 */
function summaryOf(set: SymbolSet | undefined): { count: number; hash: string } {
  const sids = set?.sids ?? new Uint8Array(0);
  const text = set?.star === true ? "*" : sids.join(",").replace(/(,0)+$/, "");
  const hash = fnv1a32(text).toString(16).padStart(8, "0");
  return { count: set?.star === true ? -1 : countSids(sids), hash };
}
