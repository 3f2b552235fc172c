/** Work an object has started and does not await: kept alive, and known until it ends. */
export class InFlight {
  #keepAlive: (work: Promise<void>) => void;
  #onError: (error: unknown) => void;
  #running = new Set<Promise<void>>();

  constructor(keepAlive: (work: Promise<void>) => void, onError: (error: unknown) => void) {
    this.#keepAlive = keepAlive;
    this.#onError = onError;
  }

  track(work: Promise<void>): void {
    const tracked = work.catch(this.#onError).finally(() => this.#running.delete(tracked));
    this.#running.add(tracked);
    this.#keepAlive(tracked);
  }

  /** Resolves when nothing runs any more, what started meanwhile included. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }
}
