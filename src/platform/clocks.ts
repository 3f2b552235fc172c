import type { EpochMs } from "../domain/time.ts";

/**
 * The time of the market: calendar, settle, watermark, knowledge time, every back-off, lease and
 * cadence. The system clock in production; stepped by a driver in tests, sessions and demos.
 */
export interface MarketClock {
  readonly kind: "market";
  readonly stepped: boolean;
  now(): EpochMs;
}

/** The time of the machine: measured latency, HTTP timeouts, tickets, socket liveness. */
export interface WallClock {
  readonly kind: "wall";
  now(): EpochMs;
}

export const wallClock: WallClock = { kind: "wall", now: () => Date.now() };

// One isolate runs all objects of the local runtime, so one variable is one market time for all.
let steppedNow: EpochMs | null = null;
let stepped = false;

export const marketClock: MarketClock = {
  kind: "market",
  get stepped() {
    return stepped;
  },
  now() {
    if (!stepped) return Date.now();
    if (steppedNow === null) throw new Error("market time is stepped and has not been set yet");
    return steppedNow;
  },
};

/** Hands market time over to a driver. Throws in production. */
export function useSteppedMarketClock(environment: string): void {
  if (environment === "production") throw new Error("market time cannot be stepped in production");
  stepped = true;
}

/** Sets stepped market time; it never goes back. Throws when the clock is not stepped. */
export function stepMarketClock(nowMs: EpochMs): void {
  if (!stepped) throw new Error("market time is not stepped");
  if (!Number.isSafeInteger(nowMs)) throw new RangeError("market time must be whole milliseconds");
  steppedNow = Math.max(steppedNow ?? nowMs, nowMs);
}
