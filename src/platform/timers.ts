/** A timer keeps an object in memory, so none may be longer than this. */
const MAX_TIMER_MS = 1_000;

/** Runs `act` once after a short while. The only timer that objects may use. */
export function after(delayMs: number, act: () => void): void {
  if (delayMs > MAX_TIMER_MS)
    throw new RangeError(`a timer of ${delayMs} ms would keep the object awake`);
  setTimeout(act, delayMs);
}

/**
 * Runs `act` with a signal that aborts after `timeoutMs`, and clears the timer as soon as it ends:
 * one that ran on would keep an object awake after the answer.
 */
export async function withTimeout<T>(
  timeoutMs: number,
  act: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const timer = setTimeout(
    () => controller.abort(new DOMException("timed out", "TimeoutError")),
    timeoutMs,
  );
  try {
    return await act(controller.signal);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * What a promise answers, or a rejection when it has not settled after `timeoutMs`: for calls that take no signal,
 * as those of an object. The call itself goes on, and its end is of no interest any more.
 */
export async function within<T>(timeoutMs: number, promise: PromiseLike<T>): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => reject(new DOMException(`no answer within ${timeoutMs} ms`, "TimeoutError")),
    timeoutMs,
  );
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
