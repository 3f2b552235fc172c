import { EPOCH_PATTERN } from "../domain/epoch.ts";
import type { EpochMs } from "../domain/time.ts";

/** How far a client has a stream: a flush's number in an epoch and its knowledge time. */
export interface Position {
  readonly epoch: string;
  readonly fs: number;
  readonly at: EpochMs;
}

/** Name of a group's bars stream: `7b`. */
export function streamName(group: number): string {
  return `${group}b`;
}

/** The group of a stream name, or null for something else. */
export function groupOfStream(name: string): number | null {
  const match = /^(0|[1-9]\d{0,2})b$/.exec(name);
  return match === null ? null : Number(match[1]);
}

/** The resume token of some positions: items `stream.epoch.fs.at`, at in base 36. Grants nothing. */
export function formatToken(positions: Iterable<readonly [string, Position]>): string {
  return Array.from(positions, ([stream, position]) => formatItem(stream, position)).join(",");
}

function formatItem(stream: string, position: Position): string {
  return `${stream}.${position.epoch}.${position.fs}.${position.at.toString(36)}`;
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
    if (rest.length > 0 || groupOfStream(stream) === null || !wellFormed || positions.has(stream))
      return null;
    positions.set(stream, { epoch, fs: Number(fs), at: Number.parseInt(at, 36) });
  }
  return positions;
}
