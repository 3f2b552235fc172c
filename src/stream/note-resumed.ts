import type { ResumeResult } from "../contracts/stream.ts";
import type { Connection } from "./connection.ts";
import type { ReaderWatch } from "./reader-watch.ts";
import type { Position } from "./token.ts";

/** What a request named: streams by its token alone, and by that or by a time those that it joins. */
interface Named {
  readonly token: ReadonlyMap<string, Position>;
  readonly joined: ReadonlyMap<string, Position>;
}

/**
 * Counts how a resume by token came out, and has it acked from where the client was: a replay ages like whatever
 * was sent. Its size does not count: it is bounded by itself, and a client cannot ack before it has read.
 */
export function noteResumed(
  watch: ReaderWatch,
  connection: Connection,
  { token, joined }: Named,
  results: readonly ResumeResult[],
): void {
  for (const { g, recovered, snapshot } of results) {
    if (token.has(g)) watch.count("ws_recover_total", { recovered: String(recovered) });
    const [from, position] = [joined.get(g), connection.positions.get(g)];
    if (from === undefined || position === undefined || snapshot === true) continue;
    // A token from elsewhere may lie ahead of all that this stream will ever say.
    const isBehind =
      from.epoch === position.epoch ? from.fs <= position.fs : from.at <= position.at;
    if (!isBehind || from.at > position.at) continue;
    connection.acks?.start(g, from);
    if (recovered && from.fs < position.fs) connection.acks?.sent(g, position, 0, watch.now());
  }
}
