import type { EpochMs } from "../domain/time.ts";

/** The part of an HTTP answer that the client reads. */
export interface HttpAnswer {
  readonly ok: boolean;
  readonly status: number;
  json(): Promise<unknown>;
}

/** `fetch`, as far as the client uses it. */
export type HttpFetch = (
  url: string,
  init: { readonly headers: Readonly<Record<string, string>>; readonly signal: AbortSignal },
) => Promise<HttpAnswer>;

/** Time and timers. */
export interface ClientClock {
  now(): EpochMs;
  /** Runs `act` once after a while; gives the way to cancel it. */
  after(delayMs: number, act: () => void): () => void;
}

/** A class of sockets like the platform's `WebSocket`. */
export type SocketClass = new (url: string, protocols?: string[]) => object;

/** What the client needs of its platform; tests put their own in. `socketClass` undefined: the global one. */
export interface ClientDeps {
  readonly clock: ClientClock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly fetch: HttpFetch;
  readonly socketClass: SocketClass | undefined;
}

/** The platform itself: a browser, Node or workerd. */
export const PLATFORM: ClientDeps = {
  clock: {
    now: () => Date.now(),
    after: (delayMs, act) => {
      const timer = setTimeout(act, delayMs);
      return () => clearTimeout(timer);
    },
  },
  random: () => Math.random(),
  fetch: (url, init) => fetch(url, init),
  socketClass: undefined,
};

/** Resolves after a while, or at once when the signal aborts. */
export function pause(clock: ClientClock, delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const cancel = clock.after(delayMs, () => {
      signal.removeEventListener("abort", stop);
      resolve();
    });
    const stop = () => {
      cancel();
      resolve();
    };
    signal.addEventListener("abort", stop, { once: true });
  });
}
