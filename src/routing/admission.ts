import type { BreakerState } from "../domain/breaker.ts";
import type { Capability } from "../domain/provider-id.ts";
import type { Outcome } from "../domain/health.ts";

/** A provider's answer to "may I call you for this?". */
export interface Admission {
  readonly state: BreakerState;
  /** The score as shown, in [0, 1]. */
  readonly h: number;
  /** A half-open breaker lets this job through to find out. */
  readonly probe: boolean;
}

/** A grant of provider quota; `waitMs` (market time) is set when nothing was granted. */
export interface CreditGrant {
  readonly granted: number;
  readonly waitMs: number;
}

/** What routing asks of the object that keeps a provider's breaker and credits. */
export interface BreakerPort {
  admit(capability: Capability): Promise<Admission>;
  takeCredits(wanted: number): Promise<CreditGrant>;
  report(capability: Capability, outcomes: readonly Outcome[]): Promise<void>;
}
