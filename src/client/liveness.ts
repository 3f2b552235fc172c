import type { EpochMs } from "../domain/time.ts";

/** How a connection proves that it lives, as the greeting says. */
export interface Heartbeat {
  readonly everyMs: number;
  readonly deadMs: number;
  /** The text of a ping. */
  readonly text: string;
}

/** Pings of one connection; `unansweredMs` is when the oldest one that no pong followed was sent. */
export interface Liveness {
  readonly heartbeat: Heartbeat;
  readonly nextPingMs: EpochMs;
  readonly unansweredMs: EpochMs | null;
}

/** What is to be done now. */
export interface Beat {
  readonly liveness: Liveness;
  readonly action: "ping" | "dead" | "none";
}

/** The state when a greeting arrives. */
export function startLiveness(heartbeat: Heartbeat, nowMs: EpochMs): Liveness {
  return { heartbeat, nextPingMs: nowMs + heartbeat.everyMs, unansweredMs: null };
}

/** A pong answers all pings before it. */
export function takePong(liveness: Liveness): Liveness {
  return { ...liveness, unansweredMs: null };
}

/** What a timer finds: a browser may run it late, so only a ping that was sent can be unanswered. */
export function beat(liveness: Liveness, nowMs: EpochMs): Beat {
  const { heartbeat, nextPingMs, unansweredMs } = liveness;
  if (unansweredMs !== null && nowMs - unansweredMs >= heartbeat.deadMs)
    return { liveness, action: "dead" };
  if (nowMs < nextPingMs) return { liveness, action: "none" };
  const sent = {
    heartbeat,
    nextPingMs: nowMs + heartbeat.everyMs,
    unansweredMs: unansweredMs ?? nowMs,
  };
  return { liveness: sent, action: "ping" };
}

/** When to look again. */
export function nextBeatMs({ heartbeat, nextPingMs, unansweredMs }: Liveness): EpochMs {
  return unansweredMs === null ? nextPingMs : Math.min(nextPingMs, unansweredMs + heartbeat.deadMs);
}
