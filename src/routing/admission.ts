import type { BreakerState } from "../domain/breaker.ts";
import type { Capability } from "../domain/provider-id.ts";
import type { Outcome } from "../domain/health.ts";

/** How a provider's breaker stands for a capability. */
export interface Admission {
  readonly state: BreakerState;
  /** The score as shown, in [0, 1]. */
  readonly h: number;
}

/** A grant of provider quota; `waitMs` (market time) is set when nothing was granted. */
export interface CreditGrant {
  readonly granted: number;
  readonly waitMs: number;
}

/** What routing asks of the object that keeps a provider's breaker and credits. */
export interface BreakerPort {
  admission(capability: Capability): Promise<Admission>;
  /** Lets a job through a half-open breaker, to find out; false when enough are on their way. */
  takeProbe(capability: Capability): Promise<boolean>;
  takeCredits(wanted: number): Promise<CreditGrant>;
  /** How the calls of a job ended, oldest first, and the credits that it took and did not spend. */
  report(
    capability: Capability,
    outcomes: readonly Outcome[],
    unspentCredits: number,
  ): Promise<void>;
}
