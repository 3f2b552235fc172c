import type { BreakerState } from "../domain/breaker.ts";
import type { Credits } from "../domain/credits.ts";
import type { HealthScore } from "../domain/health.ts";
import type { Capability } from "../domain/provider-id.ts";
import type { Entitlement } from "./entitlement.ts";
import type { Isolation } from "./isolation.ts";

/** A provider as its object sees it now. */
export interface ProviderSnapshot {
  readonly isolated: Isolation["isolated"];
  readonly credits: {
    readonly left: number;
    readonly perMinute: number;
    /** What the provider itself said is left, until its reset. */
    readonly window: Credits["window"];
  };
  /** The capabilities that were called. */
  readonly capabilities: readonly {
    readonly capability: Capability;
    readonly state: BreakerState;
    readonly score: HealthScore;
    readonly entitlement: Entitlement | null;
  }[];
}
