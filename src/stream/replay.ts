import {
  MAX_CONNECTION_REPLAY_BYTES,
  MAX_STREAM_REPLAY_BYTES,
  STREAM_CODES,
  type ResumeResult,
} from "../contracts/stream.ts";
import { parseFlush } from "../contracts/flush.ts";
import { Crc32c } from "./crc32c.ts";
import { flushFrame, type Frame } from "./frames.ts";
import { diffUrls, type HandoffScope, handoffOf, replayUrl } from "./handoff.ts";
import type { FollowAnswer, HomePort } from "./home-port.ts";
import type { Position } from "./token.ts";

/** What is made for a stream that moves on meanwhile, in steps, until it is where the connection stands. */
export interface Preparation {
  isBehind(): boolean;
  advance(): Promise<void>;
}

/** A home's log is read in pieces of this size while a replay is prepared. */
const READ_BYTES = 1_024 * 1_024;
/** A stream moves on while others are read: one that needs more reads than this is not caught. */
const MAX_READS = 100;

/** What a resumed stream gets: all flushes since its position, or since the end of a hand-off. */
export interface Replay {
  readonly stream: string;
  readonly result: ResumeResult;
  readonly frames: readonly Frame[];
  /** Where the connection stands behind the frames. */
  readonly position: Position;
}

/** One stream to resume: where the client is, where the home is, and what the client wants of it. */
export interface ResumeRequest extends HandoffScope {
  readonly from: Position;
  readonly home: HomePort;
  readonly follow: FollowAnswer;
  /** Where the connection stands if it has followed the stream before: only up to there is replayed. */
  readonly standing: () => Position | undefined;
}

/**
 * Prepares the replay of some streams: each whole or not at all. What has left the log or belongs to
 * another epoch is handed off to a diff, which ends with what Postgres has; the replay goes on from
 * there, or the connection itself does when that is more than a replay may be; one that follows the stream already
 * is handed that off too. What is in the log and larger
 * than a socket should carry is handed off to the HTTP replay. In the turn in which this resolves every replay
 * ends where its connection stands, and nothing of `besides` is behind that. Throws when it can't be had just now.
 */
export async function prepareReplays(
  requests: readonly ResumeRequest[],
  besides: readonly Preparation[] = [],
): Promise<Replay[]> {
  const budget = { bytes: MAX_CONNECTION_REPLAY_BYTES };
  const runs = requests.map((request) => new ReplayRun(request, budget));
  const all: readonly Preparation[] = [...runs, ...besides];
  for (let reads = 0; reads <= MAX_READS * all.length; reads += 1) {
    // One after the other, so that the first of them are whole when not all can be.
    const behind = all.find((each) => each.isBehind());
    if (behind === undefined) return runs.map((run) => run.replay());
    await behind.advance();
  }
  throw new Error("the streams move faster than their logs are read");
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

/** The replay of one stream while it is read. */
class ReplayRun implements Preparation {
  #request: ResumeRequest;
  #budget: { bytes: number };
  /** Where the frames begin; null until that is known. */
  #start: Position | null;
  /** What Postgres has to give before `#start`, when that is not where the client was. */
  #diffs: readonly string[] | null = null;
  #frames: Frame[] = [];
  #bytes = 0;
  #fs = 0;
  #isTooLarge = false;

  constructor(request: ResumeRequest, budget: { bytes: number }) {
    this.#request = request;
    this.#budget = budget;
    const { from, follow } = request;
    const isInLog =
      from.epoch === follow.epoch && from.fs >= follow.oldestFs - 1 && from.fs <= follow.headFs;
    this.#start = isInLog ? from : null;
    this.#fs = from.fs;
  }

  isBehind(): boolean {
    if (this.#start === null) return true;
    const target = this.#target();
    return !this.#isTooLarge && this.#start.epoch === target.epoch && this.#fs < target.fs;
  }

  async advance(): Promise<void> {
    if (this.#start === null) await this.#startBehindDiff();
    else if (!(await this.#readOn())) {
      // The log no longer has what it had a moment ago.
      if (this.#diffs !== null) throw new Error("the log ends before what is drained");
      this.#drop();
      this.#start = null;
    }
  }

  replay(): Replay {
    const { stream, from } = this.#request;
    const start = this.#start ?? from;
    const target = this.#target();
    if (this.#diffs === null && !this.#isTooLarge) {
      const result = { g: stream, recovered: true, from: from.fs + 1, to: target.fs };
      return { stream, result, frames: this.#frames, position: target };
    }
    const code = STREAM_CODES.agedOut;
    if (this.#diffs === null) {
      const handoff = handoffOf([replayUrl(this.#request, from)], target.fs + 1);
      const result = { g: stream, recovered: false, code, handoff };
      return { stream, result, frames: [], position: target };
    }
    // A new epoch began meanwhile, or there is too much: what comes behind the diff comes as if live.
    const isLeft = this.#isTooLarge || start.epoch !== target.epoch;
    if (isLeft && this.#request.standing() !== undefined) {
      if (start.epoch !== target.epoch)
        throw new Error("a stream that is followed can't go back behind a diff");
      // It can't go back to what comes behind the diff: that is read over HTTP too.
      const urls = [...this.#diffs, replayUrl(this.#request, start)];
      const handoff = handoffOf(urls, target.fs + 1);
      const result = { g: stream, recovered: false, code, handoff };
      return { stream, result, frames: [], position: target };
    }
    const handoff = handoffOf(this.#diffs, start.fs + 1);
    const result = { g: stream, recovered: false, code, handoff };
    return { stream, result, frames: this.#frames, position: isLeft ? start : target };
  }

  #target(): Position {
    const { epoch, headFs, headAt } = this.#request.follow;
    return this.#request.standing() ?? { epoch, fs: headFs, at: headAt };
  }

  async #startBehindDiff(): Promise<void> {
    const { home, from } = this.#request;
    const target = this.#target();
    const point = await home.drainPoint(target.epoch, target.fs);
    this.#diffs = diffUrls(this.#request, from.at, point.at);
    this.#start = point;
    this.#fs = point.fs;
  }

  /** Reads on by a piece; false when the log does not go on behind what was read. */
  async #readOn(): Promise<boolean> {
    const { home, view } = this.#request;
    const slice = await home.readLog("bars", this.#fs, READ_BYTES);
    if (slice.epoch !== this.#start?.epoch || slice.flushes.length === 0) return false;
    for (const logged of slice.flushes) {
      if (logged.fs !== this.#fs + 1) return false;
      if (logged.fs > this.#target().fs) break;
      const frame = flushFrame(parseFlush(logged.payload), view, true);
      if (!this.#take(frame)) return true;
      this.#fs = logged.fs;
    }
    return true;
  }

  #take(frame: Frame): boolean {
    const { length } = frame.text;
    if (this.#bytes + length > MAX_STREAM_REPLAY_BYTES || length > this.#budget.bytes) {
      this.#drop();
      this.#isTooLarge = true;
      return false;
    }
    this.#frames.push(frame);
    this.#bytes += length;
    this.#budget.bytes -= length;
    return true;
  }

  #drop(): void {
    this.#budget.bytes += this.#bytes;
    this.#frames = [];
    this.#bytes = 0;
  }
}
