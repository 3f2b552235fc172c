import { CHANNELS, type Channel, CLOSE_CODES } from "../contracts/stream.ts";
import type { MetricTotals } from "../platform/metric-totals.ts";
import type { Connection } from "./connection.ts";
import { judgeLife } from "./liveness.ts";
import { sendText } from "./outbox.ts";
import { judgeReader } from "./reader-lag.ts";
import { formatToken } from "./token.ts";

/** What judging connections needs: the machine's time, the runtime's last `pong`, and where to count. */
export interface WatchDeps {
  readonly wallNow: () => number;
  /** When the runtime last answered a ping of this socket without waking the object, wall ms. */
  readonly lastPingMs: (socket: WebSocket) => number | null;
  readonly totals: Pick<MetricTotals, "add">;
}

/** What a closed connection's waiting frames are: sent first, or dropped for this reason. */
export type Leftover = "sent" | "slow_reader";

/** Ends a connection from this side. */
export type CloseConnection = (
  connection: Connection,
  code: number,
  reason: string,
  leftover: Leftover,
) => void;

/**
 * Judges the connections of a host by acks, pings and age. It has no timer: it looks when something is
 * sent and at each sweep, so that an object with silent connections may hibernate.
 */
export class ReaderWatch {
  readonly #deps: WatchDeps;
  readonly #close: CloseConnection;

  constructor(deps: WatchDeps, close: CloseConnection) {
    this.#deps = deps;
    this.#close = close;
  }

  now(): number {
    return this.#deps.wallNow();
  }

  count(name: Parameters<MetricTotals["add"]>[0], labels: Record<string, string>, by = 1): void {
    this.#deps.totals.add(name, labels, by);
  }

  /** After something was sent: warns a slow reader once an episode, and closes one that is lost. */
  look(connection: Connection): void {
    const { acks } = connection;
    if (acks === null) return;
    const verdict = judgeReader(acks.unacked(), this.now());
    if (verdict.kind === "well") {
      connection.isSlow = false;
      return;
    }
    const { ageMs, bytes } = verdict;
    const told = { op: "slow", unacked_bytes: bytes, age_ms: ageMs };
    if (!connection.isSlow) this.count("ws_slow_readers_total", {});
    if (verdict.kind === "lost") {
      const token = formatToken(acks.acked());
      sendText(connection, JSON.stringify({ ...told, closing: true, token }));
      this.#close(connection, CLOSE_CODES.slow, "slow reader", "slow_reader");
    } else if (!connection.isSlow) {
      connection.isSlow = true;
      sendText(connection, JSON.stringify(told));
    }
  }

  /** The minute's look at every connection. */
  sweep(connections: readonly Connection[]): void {
    const nowMs = this.now();
    this.countSent(connections);
    for (const connection of connections) {
      const { connectedMs, heardMs, socket, acks } = connection;
      const pingMs = this.#deps.lastPingMs(socket) ?? 0;
      const life = { connectedMs, heardMs: Math.max(heardMs, pingMs), acks: acks !== null };
      const verdict = judgeLife(life, nowMs);
      if (verdict === "rotate")
        this.#close(connection, CLOSE_CODES.restart, "connected for long: connect anew", "sent");
      else if (verdict === "dead")
        this.#close(connection, CLOSE_CODES.dead, "neither pings nor frames", "sent");
      else this.look(connection);
    }
  }

  /** A frame of the client was answered: closes the connection of one that does not behave. */
  afterFrame(connection: Connection): void {
    const code = connection.conduct.judge(this.now());
    if (code === null) this.look(connection);
    else this.#close(connection, code, "too many refused frames", "sent");
  }

  /** A connection ended, by a close code or by its client; its waiting frames were dropped. */
  ended(
    connection: Connection,
    code: string,
    waiting: { readonly reason: string; readonly dropped: number },
  ): void {
    this.countSent([connection]);
    this.count("ws_closed_total", { code });
    this.count("ws_dropped_messages_total", { reason: waiting.reason }, waiting.dropped);
  }

  /** Counts what was handed to sockets since this was asked last: once for all of them, for it is asked at every send. */
  countSent(connections: Iterable<Connection>): void {
    let [sent, failed] = [0, 0];
    for (const connection of connections) {
      sent += connection.sentCount;
      failed += connection.failedCount;
      connection.sentCount = 0;
      connection.failedCount = 0;
    }
    this.count("ws_messages_sent_total", {}, sent);
    this.count("ws_dropped_messages_total", { reason: "socket_closed" }, failed);
  }
}

/** How many connections take each channel. */
export function countChannels(connections: readonly Connection[]): Map<Channel, number> {
  const counts = new Map<Channel, number>(CHANNELS.map((channel) => [channel, 0]));
  for (const { subscription } of connections) {
    for (const channel of subscription.channels.keys())
      counts.set(channel, (counts.get(channel) ?? 0) + 1);
  }
  return counts;
}
