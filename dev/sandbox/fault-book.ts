import type { EpochMs } from "../../src/domain/time.ts";
import type { Route, SandboxProvider } from "./endpoint.ts";
import { DEFAULT_LATENCY_MS } from "./fault.ts";
import type { Fault, FaultScope, ScheduledFault } from "./fault.ts";

/** What ails a call: how late it is answered, and with which fault; null is a good answer. */
export interface Ailment {
  readonly fault: Exclude<Fault, "latency"> | null;
  /** Milliseconds of the wall clock. */
  readonly delayMs: number;
}

/** The faults that hold, those set by hand before those of the schedule. */
export interface FaultBook {
  /**
   * Set by hand: one fault per provider and one per endpoint of it. Null heals the endpoint of the scope,
   * or without one the provider and all its endpoints; scheduled faults stay.
   */
  set(provider: SandboxProvider, fault: Fault | null, scope?: FaultScope): void;
  at(route: Route, nowMs: EpochMs): Ailment;
}

interface Entry {
  readonly fault: Fault;
  readonly delayMs?: number | undefined;
}

/** An empty book over a schedule whose times count from `originMs`. */
export function createFaultBook(schedule: readonly ScheduledFault[], originMs: EpochMs): FaultBook {
  const byHand = new Map<string, Entry>();

  function held(route: Route, nowMs: EpochMs): readonly Entry[] {
    const narrow = route.endpoint === null ? [] : [`${route.provider}/${route.endpoint}`];
    const set = [...narrow, route.provider].flatMap((key) => byHand.get(key) ?? []);
    const due = schedule.filter(
      ({ provider, endpoint, fromMs, toMs }) =>
        provider === route.provider &&
        (endpoint === undefined || endpoint === route.endpoint) &&
        nowMs >= originMs + fromMs &&
        nowMs < originMs + toMs,
    );
    return [...set, ...due];
  }

  return {
    set: (provider, fault, scope = {}) => {
      const key = scope.endpoint === undefined ? provider : `${provider}/${scope.endpoint}`;
      if (fault !== null) byHand.set(key, { fault, delayMs: scope.delayMs });
      else {
        for (const known of byHand.keys()) {
          if (known === key || known.startsWith(`${key}/`)) byHand.delete(known);
        }
      }
    },
    at: (route, nowMs) => {
      let fault: Ailment["fault"] = null;
      let delayMs = 0;
      for (const entry of held(route, nowMs)) {
        if (entry.fault === "latency") {
          delayMs = Math.max(delayMs, entry.delayMs ?? DEFAULT_LATENCY_MS);
        } else fault ??= entry.fault;
      }
      return { fault, delayMs };
    },
  };
}
