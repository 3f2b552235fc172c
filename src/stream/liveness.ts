/** A connection that is not measured by acks is dead without a ping, or any frame, for this long. */
export const DEAD_AFTER_MS = 120_000;
/** Every connection is moved on after so long, so that none outlives what it was granted. */
export const ROTATE_AFTER_MS = 4 * 3_600_000;

/** What is known of a connection's life, wall ms. */
export interface Life {
  readonly connectedMs: number;
  /** When the client was last heard: a ping or a frame. */
  readonly heardMs: number;
  /** Whether its acks tell that it lives. */
  readonly acks: boolean;
}

/** What a sweep does with a connection: `rotate` closes it 4001, `dead` 4012. */
export function judgeLife(life: Life, nowMs: number): "alive" | "rotate" | "dead" {
  if (nowMs - life.connectedMs >= ROTATE_AFTER_MS) return "rotate";
  if (!life.acks && nowMs - Math.max(life.connectedMs, life.heardMs) > DEAD_AFTER_MS) return "dead";
  return "alive";
}
