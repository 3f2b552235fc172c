import {
  MAX_CONNECTION_REPLAY_BYTES,
  MAX_STREAM_REPLAY_BYTES,
  STREAM_CODES,
  type ResumeResult,
} from "../contracts/stream.ts";
import { parseFlush } from "../contracts/flush.ts";
import { Crc32c } from "./crc32c.ts";
import { flushFrame, type Frame } from "./frames.ts";
import type { FollowAnswer, HomePort } from "./home-port.ts";
import type { StreamView } from "./subscription.ts";
import { formatToken, type Position, type StreamId } from "./token.ts";

/** A home's log is read in pieces of this size while a replay is prepared. */
const READ_BYTES = 1_024 * 1_024;

/** What a resumed stream gets: its replay in full, or a hand-off and nothing. */
export interface Replay {
  readonly stream: string;
  readonly result: ResumeResult;
  readonly frames: readonly Frame[];
  readonly position: Position;
}

/** One stream to resume: where the client is, where the home is, and what the client wants of it. */
export interface ResumeRequest {
  readonly stream: string;
  readonly from: Position;
  readonly id: StreamId;
  readonly home: HomePort;
  readonly follow: FollowAnswer;
  readonly view: StreamView;
}

/**
 * Prepares the replay of some streams: each whole or not at all. What has left the log, belongs to
 * another epoch or is larger than a socket should carry is handed off to the HTTP replay.
 */
export async function prepareReplays(requests: readonly ResumeRequest[]): Promise<Replay[]> {
  const replays: Replay[] = [];
  let bytes = 0;
  for (const request of requests) {
    const frames = await readFrames(
      request,
      Math.min(MAX_STREAM_REPLAY_BYTES, MAX_CONNECTION_REPLAY_BYTES - bytes),
    );
    bytes += frames?.reduce((sum, frame) => sum + frame.text.length, 0) ?? 0;
    replays.push(frames === null ? handedOff(request) : recovered(request, frames));
  }
  return replays;
}

async function readFrames(request: ResumeRequest, maxBytes: number): Promise<Frame[] | null> {
  const { from, follow } = request;
  const inLog =
    from.epoch === follow.epoch && from.fs >= follow.oldestFs - 1 && from.fs <= follow.headFs;
  if (!inLog) return null;
  const frames: Frame[] = [];
  let bytes = 0;
  let fs = from.fs;
  while (fs < follow.headFs) {
    const slice = await request.home.readLog(request.id.class, fs, READ_BYTES);
    if (slice.epoch !== from.epoch || slice.flushes.length === 0) return null;
    for (const logged of slice.flushes) {
      if (logged.fs !== fs + 1) return null;
      if (logged.fs > follow.headFs) break;
      const frame = flushFrame(parseFlush(logged.payload), request.view, true);
      bytes += frame.text.length;
      if (bytes > maxBytes) return null;
      frames.push(frame);
      fs = logged.fs;
    }
  }
  return frames;
}

function recovered(request: ResumeRequest, frames: readonly Frame[]): Replay {
  const { stream, from, follow } = request;
  return {
    stream,
    result: { g: stream, recovered: true, from: from.fs + 1, to: follow.headFs },
    frames,
    position: { epoch: follow.epoch, fs: follow.headFs, at: follow.headAt },
  };
}

function handedOff(request: ResumeRequest): Replay {
  const { stream, from, follow } = request;
  const url = `/v1/stream/replay?from=${formatToken([[stream, from]])}`;
  return {
    stream,
    result: {
      g: stream,
      recovered: false,
      code: STREAM_CODES.agedOut,
      handoff: { url, join_fs: follow.headFs + 1 },
    },
    frames: [],
    position: { epoch: follow.epoch, fs: follow.headFs, at: follow.headAt },
  };
}

/** The trailer of a replay: the client trusts it when number of rows and checksum match. */
export function caughtUpFrame(replay: Replay): string {
  const crc = new Crc32c();
  let count = 0;
  for (const frame of replay.frames) {
    crc.update(frame.text);
    count += frame.rows;
  }
  return JSON.stringify({
    op: "caught_up",
    g: replay.stream,
    fs: replay.position.fs,
    count,
    crc32c: crc.digest(),
  });
}
