import { MAX_KEY_CONNECTIONS } from "../contracts/keys.ts";
import { CLOSE_CODES, STREAM_CODES } from "../contracts/stream.ts";
import type { Connection } from "./connection.ts";

/** The Worker gives the id of the key that it has authorised in this header; a client's own is overwritten. */
export const KEY_HEADER = "x-mds-key";
/** In this header the Worker gives how many connections that key may have on one host. */
export const KEY_CONNECTIONS_HEADER = "x-mds-key-connections";

/**
 * The connections that a key may have here: more would crowd out those of other keys. Counted by the host alone,
 * exactly and without asking anybody; a deployment of 32 groups thus lets a key have 32 times as many at most, and
 * as many as this of one that follow symbols of one group.
 */
export function keyConnections({ headers }: Request): number {
  const given = Number(headers.get(KEY_CONNECTIONS_HEADER) ?? MAX_KEY_CONNECTIONS);
  return Number.isInteger(given) && given > 0
    ? Math.min(given, MAX_KEY_CONNECTIONS)
    : MAX_KEY_CONNECTIONS;
}

/** Whether a key has as many connections as it may have here. */
export function isKeyFull(key: string, max: number, connections: readonly Connection[]): boolean {
  let count = 0;
  for (const connection of connections) if (connection.key === key) count += 1;
  return count >= max;
}

/**
 * Turns a connection away by 4504 instead of a status of the upgrade: a browser shows its script no status,
 * and one that does not know why comes again at once.
 */
export function turnAway(server: WebSocket, max: number): void {
  server.accept();
  const msg = `this key may have ${max} connections here`;
  server.send(JSON.stringify({ op: "error", code: STREAM_CODES.tooFast, msg, temporary: false }));
  server.close(CLOSE_CODES.connectionLimit, msg);
}
