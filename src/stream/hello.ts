import type { Calendar } from "../domain/calendar.ts";
import { firstExpectedMinute } from "../domain/watermark.ts";
import type { EpochMs } from "../domain/time.ts";
import { floorToMinute, MINUTE_MS } from "../domain/time.ts";
import { MAX_CLIENT_FRAME_BYTES, MAX_CONNECTION_SYMBOLS } from "../contracts/stream.ts";

/** A client pings this often; without a pong for that long the socket is dead. Seconds. */
const HEARTBEAT = { send: "ping", expect: "pong", every_s: 25, dead_s: 60 } as const;

/** The first frame of a connection: limits, heartbeat, and when the next data is due. */
export function helloFrame(
  conn: string,
  calendar: Calendar,
  nowMs: EpochMs,
  nextDelayMs: number,
): string {
  const kind = calendar.sessionKind(nowMs);
  return JSON.stringify({
    op: "hello",
    v: 1,
    conn,
    at: nowMs,
    limits: { symbols: MAX_CONNECTION_SYMBOLS, frame_bytes: MAX_CLIENT_FRAME_BYTES },
    hb: HEARTBEAT,
    market: {
      state: kind === undefined ? "closed" : kind === "regular" ? "open" : kind,
      next_data_by: firstExpectedMinute(calendar, floorToMinute(nowMs)) + MINUTE_MS + nextDelayMs,
    },
  });
}
