import { type ClientFrame, STREAM_CODES } from "../contracts/stream.ts";
import type { Connection } from "./connection.ts";
import { sendError } from "./subscribe.ts";
import { parseToken } from "./token.ts";

/** Takes an ack in. One that names what was not sent here grants nothing and is answered by an error. */
export function acknowledge(
  connection: Connection,
  frame: Extract<ClientFrame, { op: "ack" }>,
): void {
  const refuse = (msg: string) => sendError(connection, frame.id, STREAM_CODES.syntax, msg);
  const { acks } = connection;
  if (acks === null) return refuse("ask to be measured by acks first: `ack: true` in a sub");
  const token = parseToken(frame.token);
  if (token === null) return refuse("token is not a token");
  if (!acks.ack(token, connection.positions))
    return refuse("the token names what was not sent on this connection");
  connection.save();
}
