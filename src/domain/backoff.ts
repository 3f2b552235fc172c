/** How long to wait before the next try, ms. */
export interface BackoffPolicy {
  readonly baseMs: number;
  readonly maxMs: number;
}

/** Full jitter (Brooker, AWS Architecture Blog, 2015): uniform in `[0, min(max, base * 2^attempt)]`. */
export function backoffMs(attempt: number, policy: BackoffPolicy, random: () => number): number {
  const ceiling = Math.min(policy.maxMs, policy.baseMs * 2 ** Math.min(attempt, 30));
  return Math.ceil(random() * ceiling);
}
