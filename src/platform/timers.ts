/** A timer keeps an object in memory, so none may be longer than this. */
const MAX_TIMER_MS = 1_000;

/** Runs `act` once after a short while. The only timer that objects may use. */
export function after(delayMs: number, act: () => void): void {
  if (delayMs > MAX_TIMER_MS) throw new RangeError(`a timer of ${delayMs} ms would keep the object awake`);
  setTimeout(act, delayMs);
}
