import { serviceConfigSchema } from "../../src/contracts/config.ts";
import {
  type Breaker,
  breakerScore,
  type BreakerState,
  breakerState,
  NEW_BREAKER,
  recordOutcome,
  takeProbe,
} from "../../src/domain/breaker.ts";
import type { ProviderId } from "../../src/domain/provider-id.ts";
import type { BreakerPort } from "../../src/routing/admission.ts";
import type { Entitlement } from "../../src/routing/entitlement.ts";

const { breaker: CONFIG, latency_cap_ms: CAP_MS } = serviceConfigSchema.parse({});

/** The breakers of all providers as their objects keep them, without the objects; credits never end. */
export class PureBreakers {
  #now: () => number;
  #breakers = new Map<ProviderId, Breaker>();
  #entitlements = new Map<ProviderId, Entitlement>();

  constructor(now: () => number) {
    this.#now = now;
  }

  state(id: ProviderId): BreakerState {
    return breakerState(this.#breaker(id), this.#now());
  }

  /** The score as it is shown. */
  h(id: ProviderId): number {
    return breakerScore(this.#breaker(id), this.#now(), CONFIG, CAP_MS).h;
  }

  /** What the last calls showed of the key's rights. */
  entitlement(id: ProviderId): Entitlement["state"] | null {
    return this.#entitlements.get(id)?.state ?? null;
  }

  port(id: ProviderId): BreakerPort {
    return {
      admission: async () => ({ state: this.state(id), h: this.h(id) }),
      takeProbe: async () => {
        const probed = takeProbe(this.#breaker(id), this.#now());
        if (probed !== null) this.#breakers.set(id, probed);
        return probed !== null;
      },
      takeCredits: async (wanted) => ({ granted: wanted, waitMs: 0 }),
      correctCredits: async () => {},
      report: async (_capability, { outcomes, entitlement }) => {
        for (const outcome of outcomes) {
          const next = recordOutcome(this.#breaker(id), outcome, this.#now(), CONFIG, CAP_MS);
          this.#breakers.set(id, next);
        }
        if (entitlement !== null) this.#entitlements.set(id, entitlement);
      },
      recordDecision: async () => {},
    };
  }

  #breaker(id: ProviderId): Breaker {
    return this.#breakers.get(id) ?? NEW_BREAKER;
  }
}
