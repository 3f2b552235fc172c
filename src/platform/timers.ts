/** A timer keeps an object in memory, so none may be longer than this. */
const MAX_TIMER_MS = 1_000;

/** Runs `act` once after a short while. The only timer that objects may use. */
export function after(delayMs: number, act: () => void): void {
  if (delayMs > MAX_TIMER_MS)
    throw new RangeError(`a timer of ${delayMs} ms would keep the object awake`);
  setTimeout(act, delayMs);
}

/**
 * What `work` gives, or a rejection after `timeoutMs`: for work that can't be called off. The timer goes
 * as soon as it ends.
 */
export async function withDeadline<T>(timeoutMs: number, work: Promise<T>): Promise<T> {
  return await withTimeout(timeoutMs, (signal) => {
    const late = new Promise<never>((_resolve, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason));
    });
    return Promise.race([work, late]);
  });
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
