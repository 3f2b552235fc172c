import { CLOSE_CODES, STREAM_CODES } from "../contracts/stream.ts";
import type { Connection } from "./connection.ts";

/** The Worker names the key that it has authorised in this header; what a client writes there is overwritten. */
export const KEY_HEADER = "x-mds-key";
/**
 * Connections that one key may have on one host object: more would crowd out those of other keys. Counted by
 * the host alone, exactly and without asking anybody; a deployment of 32 groups thus lets a key have
 * 32 times as many at most, and as many as this of one that follow symbols of one group.
 */
export const MAX_KEY_CONNECTIONS = 1_024;

/** Whether a key has as many connections as it may have here. */
export function isKeyFull(key: string, connections: readonly Connection[]): boolean {
  let count = 0;
  for (const connection of connections) if (connection.key === key) count += 1;
  return count >= MAX_KEY_CONNECTIONS;
}

/**
 * Turns a connection away by 4504 instead of a status of the upgrade: a browser shows its script no status,
 * and one that does not know why comes again at once.
 */
export function turnAway(server: WebSocket): void {
  server.accept();
  const msg = `a key may have ${MAX_KEY_CONNECTIONS} connections here`;
  server.send(JSON.stringify({ op: "error", code: STREAM_CODES.tooFast, msg, temporary: false }));
  server.close(CLOSE_CODES.connectionLimit, msg);
}
