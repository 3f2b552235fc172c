import type { ClientFrame } from "../contracts/stream.ts";
import type { Connection } from "./connection.ts";
import { barSnapshotFrames } from "./frames.ts";
import type { FollowAnswer } from "./home-port.ts";
import type { StreamHost } from "./host.ts";
import type { Preparation, ResumeRequest } from "./replay.ts";
import type { StreamView } from "./subscription.ts";
import { isBeyond, type Position, type StreamId } from "./token.ts";

// Where each stream of a subscription starts: at a position that the client names, at a time, or now.

/** A request to subscribe. */
export type SubFrame = Extract<ClientFrame, { op: "sub" }>;
/** A stream that the host follows. */
export interface Followed {
  readonly id: StreamId;
  readonly stream: string;
  readonly answer: FollowAnswer;
}

/** A stream of which a frame names something, and what that is. */
export interface Wanted extends Followed {
  readonly view: StreamView;
}

/** A subscription that is to be made, and what its token says. */
export interface SubRequest {
  readonly frame: SubFrame;
  readonly token: ReadonlyMap<string, Position>;
  readonly streams: readonly StreamId[];
  readonly symbolGroups: number;
}

/** Where the client is on each stream: by its token, or by the knowledge time that it asks from. */
export async function positionsFrom(
  host: StreamHost,
  wanted: readonly Wanted[],
  { frame, token }: SubRequest,
): Promise<ReadonlyMap<string, Position>> {
  const positions = new Map(token);
  const { from } = frame;
  if (typeof from !== "number") return positions;
  await Promise.all(
    wanted.map(async ({ id, stream }) => {
      if (positions.has(stream)) return;
      const located = id.class === "bars" ? await host.deps.home(id.group).locate(from) : null;
      positions.set(stream, located ?? { epoch: "", fs: 0, at: from });
    }),
  );
  return positions;
}

/** Positions that a client named, or that were found for it, of streams that it did not follow before. */
export function knownPositions(
  joined: readonly Wanted[],
  from: ReadonlyMap<string, Position>,
): ReadonlyMap<string, Position> {
  const names = new Set(joined.map(({ stream }) => stream));
  return new Map([...from].filter(([stream, { epoch }]) => names.has(stream) && epoch !== ""));
}

/** The last bars of a stream as frames, and where the stream stood with them. */
export class LastBars implements Preparation {
  readonly stream: string;
  #host: StreamHost;
  #wanted: Wanted;
  #standing: () => Position | undefined;
  #taken: { readonly position: Position; readonly frames: readonly string[] } | null = null;

  constructor(host: StreamHost, connection: Connection, wanted: Wanted) {
    this.stream = wanted.stream;
    this.#host = host;
    this.#wanted = wanted;
    this.#standing = () => connection.positions.get(wanted.stream);
  }

  /** What its connection passed by with its earlier symbols alone must be in the snapshot. */
  isBehind(): boolean {
    const standing = this.#standing();
    return (
      this.#taken === null || (standing !== undefined && isBeyond(standing, this.#taken.position))
    );
  }

  async advance(): Promise<void> {
    const { id, view } = this.#wanted;
    const snapshot = await this.#host.deps.home(id.group).latestBars();
    const { epoch, fs, at } = snapshot;
    const frames = barSnapshotFrames(id.group, snapshot, view);
    this.#taken = { position: { epoch, fs, at }, frames };
  }

  /** Throws before it was taken once. */
  get taken() {
    if (this.#taken === null) throw new Error("the last bars were not asked for");
    return this.#taken;
  }
}

/** The last bars of streams that are not resumed, as of now. */
export async function latestBars(
  host: StreamHost,
  connection: Connection,
  wanted: readonly Wanted[],
  from: ReadonlyMap<string, Position>,
): Promise<LastBars[]> {
  const lastBars = wanted
    .filter(({ id, stream }) => id.class === "bars" && !from.has(stream))
    .map((each) => new LastBars(host, connection, each));
  await Promise.all(lastBars.map((each) => each.advance()));
  return lastBars;
}

/** The streams of bars of which something is to be replayed. */
export function resumesOf(
  host: StreamHost,
  connection: Connection,
  wanted: readonly Wanted[],
  from: ReadonlyMap<string, Position>,
): ResumeRequest[] {
  return wanted.flatMap(({ id, stream, answer, view }): ResumeRequest[] => {
    const position = from.get(stream);
    if (id.class !== "bars" || position === undefined) return [];
    const { group } = id;
    const home = host.deps.home(group);
    const standing = () => connection.positions.get(stream);
    return [{ stream, group, view, from: position, home, follow: answer, standing }];
  });
}
