import type { StreamClass } from "../contracts/flush.ts";
import { EPOCH_PATTERN } from "../domain/epoch.ts";
import type { EpochMs } from "../domain/time.ts";

/** How far a client has a stream: a flush's number in an epoch and its knowledge time. */
export interface Position {
  readonly epoch: string;
  readonly fs: number;
  readonly at: EpochMs;
}

/** Whether a stream that stands at `a` is further than at `b`: a later epoch, or a later flush of the same. */
export function isBeyond(
  a: Pick<Position, "epoch" | "fs">,
  b: Pick<Position, "epoch" | "fs">,
): boolean {
  return a.epoch === b.epoch ? a.fs > b.fs : a.epoch > b.epoch;
}

/** Letters by which the streams of a group are told apart. */
const LETTERS: Readonly<Record<StreamClass, string>> = { bars: "b", quotes: "q" };

/** A stream: whose, and of what. */
export interface StreamId {
  readonly group: number;
  readonly class: StreamClass;
}

/** Name of a group's stream: `7b` its bars, `7q` its quotes. */
export function streamName({ group, class: streamClass }: StreamId): string {
  return `${group}${LETTERS[streamClass]}`;
}

/** The stream of a name, or null for something else. */
export function parseStreamName(name: string): StreamId | null {
  const match = /^(0|[1-9]\d{0,2})([bq])$/.exec(name);
  if (match === null) return null;
  return { group: Number(match[1]), class: match[2] === "b" ? "bars" : "quotes" };
}

/** The resume token of some positions: items `stream.epoch.fs.at`, at in base 36. Grants nothing. */
export function formatToken(positions: Iterable<readonly [string, Position]>): string {
  let token = "";
  for (const [stream, position] of positions)
    token += `${token === "" ? "" : ","}${formatItem(stream, position)}`;
  return token;
}

/** All connections of a host that took a flush stand at one position: it is written out once. */
const writtenOut = new WeakMap<Position, string>();

function formatItem(stream: string, position: Position): string {
  const known = writtenOut.get(position);
  if (known !== undefined) return `${stream}.${known}`;
  const text = `${position.epoch}.${position.fs}.${position.at.toString(36)}`;
  writtenOut.set(position, text);
  return `${stream}.${text}`;
}

/** The positions of a token, or null when it is not one. */
export function parseToken(token: string): Map<string, Position> | null {
  const positions = new Map<string, Position>();
  if (token === "") return positions;
  for (const item of token.split(",")) {
    const [stream, epoch, fs, at, ...rest] = item.split(".");
    if (stream === undefined || epoch === undefined || fs === undefined || at === undefined)
      return null;
    const wellFormed =
      EPOCH_PATTERN.test(epoch) && /^\d{1,15}$/.test(fs) && /^[0-9a-z]{1,10}$/.test(at);
    if (rest.length > 0 || parseStreamName(stream) === null || !wellFormed || positions.has(stream))
      return null;
    positions.set(stream, { epoch, fs: Number(fs), at: Number.parseInt(at, 36) });
  }
  return positions;
}
