import {
  type ClientFrame,
  MAX_CONNECTION_SYMBOLS,
  type ResumeResult,
  STREAM_CODES,
} from "../contracts/stream.ts";
import { fnv1a32, groupOf } from "../domain/symbol.ts";
import type { Connection } from "./connection.ts";
import type { FollowAnswer } from "./home-port.ts";
import type { StreamHost } from "./host.ts";
import { sendText } from "./outbox.ts";
import { caughtUpFrame, prepareReplays, type Replay, type ResumeRequest } from "./replay.ts";
import { noteResumed } from "./note-resumed.ts";
import { isBeyondSymbolLimit } from "./symbol-limit.ts";
import {
  classesOf,
  countSids,
  type Subscription,
  type SymbolSet,
  viewOf,
  withoutSymbols,
  withSymbols,
} from "./subscription.ts";
import { formatToken, parseToken, type Position, type StreamId, streamName } from "./token.ts";

type SubFrame = Extract<ClientFrame, { op: "sub" }>;
type UnsubFrame = Extract<ClientFrame, { op: "unsub" }>;

interface Followed {
  readonly id: StreamId;
  readonly stream: string;
  readonly answer: FollowAnswer;
}

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

interface SubRequest {
  readonly frame: SubFrame;
  readonly token: ReadonlyMap<string, Position>;
  readonly streams: readonly StreamId[];
  readonly symbolGroups: number;
}

async function followAndReplay(
  host: StreamHost,
  connection: Connection,
  request: SubRequest,
): Promise<void> {
  const { frame, token, streams, symbolGroups } = request;
  const followed = await Promise.all(
    streams.map(async (id): Promise<Followed> => {
      return { id, stream: streamName(id), answer: await host.follow(id) };
    }),
  );
  const { subscription, rejected } = extend(host, connection.subscription, frame, symbolGroups);
  if (isBeyondSymbolLimit(subscription)) {
    const msg = `a connection has ${MAX_CONNECTION_SYMBOLS} symbols at most`;
    sendError(connection, frame.id, STREAM_CODES.symbolLimit, msg);
    return;
  }
  const wanted = followed.filter(
    ({ id }) => viewOf(subscription, id.class, host.deps.rosters.of(id.group)) !== null,
  );
  const replays = await replaysOf(host, wanted, token, subscription, connection);
  const snapshots = wanted
    .filter(({ id }) => id.class === "quotes")
    .filter(({ stream }) => frame.from === "snapshot" || token.has(stream))
    .map(({ stream }) => stream);
  connection.subscribe(subscription);
  for (const { stream, answer } of wanted) {
    if (connection.positions.has(stream)) continue;
    connection.moveTo(stream, { epoch: answer.epoch, fs: answer.headFs, at: answer.headAt });
  }
  for (const replay of replays) connection.moveTo(replay.stream, replay.position);
  connection.save();
  host.outbox.send(connection);
  const results = [
    ...replays.map((replay) => replay.result),
    ...snapshots.map((g): ResumeResult => ({ g, recovered: true, snapshot: true })),
  ];
  sendText(connection, ackFrame(connection, frame, rejected, results));
  for (const replay of replays) {
    if (!replay.result.recovered) continue;
    for (const part of replay.frames) sendText(connection, part.text);
    sendText(connection, caughtUpFrame(replay));
  }
  noteResumed(host.watch, connection, token, results);
  for (const stream of snapshots) host.sendSnapshot(connection, stream);
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
    if (viewOf(subscription, id.class, host.deps.rosters.of(id.group)) === null)
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

function extend(host: StreamHost, before: Subscription, frame: SubFrame, symbolGroups: number) {
  const firstOnly = frame.rev === undefined ? before.firstOnly : frame.rev === "first";
  if (frame.symbols.includes("*")) {
    return { subscription: { ...withSymbols(before, frame.ch, "*"), firstOnly }, rejected: [] };
  }
  const { sids, unknown } = sidsOf(host, frame.symbols, symbolGroups);
  const rejected = unknown.map((symbol) => ({ symbol, code: STREAM_CODES.unknownSymbol }));
  return { subscription: { ...withSymbols(before, frame.ch, sids), firstOnly }, rejected };
}

function sidsOf(host: StreamHost, symbols: readonly string[], symbolGroups: number) {
  const sids: number[] = [];
  const unknown: string[] = [];
  const bySymbol = new Map<number, Map<string, number>>();
  for (const symbol of symbols) {
    const group = groupOf(symbol, symbolGroups);
    let index = bySymbol.get(group);
    if (index === undefined) {
      index = new Map(host.deps.rosters.of(group).map((entry) => [entry.symbol, entry.sid]));
      bySymbol.set(group, index);
    }
    const sid = index.get(symbol);
    if (sid === undefined) unknown.push(symbol);
    else sids.push(sid);
  }
  return { sids, unknown };
}

async function replaysOf(
  host: StreamHost,
  wanted: readonly Followed[],
  token: ReadonlyMap<string, Position>,
  subscription: Subscription,
  connection: Connection,
): Promise<Replay[]> {
  const requests: ResumeRequest[] = [];
  for (const { id, stream, answer } of wanted) {
    const from = token.get(stream);
    const view = viewOf(subscription, id.class, host.deps.rosters.of(id.group));
    if (id.class !== "bars" || from === undefined || view === null) continue;
    if (connection.positions.has(stream)) continue;
    requests.push({ stream, id, from, home: host.deps.home(id.group), follow: answer, view });
  }
  return prepareReplays(requests);
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
    ...(frame.op === "sub" && frame.resume !== undefined ? { resume } : {}),
  });
}

/** How many symbols a channel has (-1: all) and a hash of which, so that a client can compare. */
function summaryOf(set: SymbolSet | undefined): { count: number; hash: string } {
  const sids = set?.sids ?? new Uint8Array(0);
  const text = set?.star === true ? "*" : sids.join(",").replace(/(,0)+$/, "");
  const hash = fnv1a32(text).toString(16).padStart(8, "0");
  return { count: set?.star === true ? -1 : countSids(sids), hash };
}
