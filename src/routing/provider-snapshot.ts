import type { BreakerState } from "../domain/breaker.ts";
import type { Credits } from "../domain/credits.ts";
import type { HealthScore } from "../domain/health.ts";
import type { Entitlement, Right } from "./entitlement.ts";
import type { Capability, ProviderId } from "../domain/provider-id.ts";
import type { BadSymbol } from "./bad-symbol-store.ts";
import type { Isolation } from "./isolation.ts";
import type { PlanCorrection } from "./plan-correction.ts";

/** The quota of a provider's key as it stands. */
export interface CreditsSnapshot {
  readonly left: number;
  readonly perMinute: number;
  /** What the provider itself said is left, until its reset. */
  readonly window: Credits["window"];
}

/** A provider as its object sees it now. */
export interface ProviderSnapshot {
  /** The lowest version of the configuration that its object acted by lately; null: none. */
  readonly configVersion: number | null;
  readonly isolated: Isolation["isolated"];
  readonly credits: CreditsSnapshot;
  /** The provider in whose object the credits are kept: itself, unless it shares host and key. */
  readonly creditOwner: ProviderId;
  /** How the key showed to be later than its plan; null when it did not. */
  readonly correction: PlanCorrection | null;
  readonly badSymbols: readonly BadSymbol[];
  /** The capabilities that were called. */
  readonly capabilities: readonly {
    readonly capability: Capability;
    readonly state: BreakerState;
    readonly score: HealthScore;
    readonly entitlement: Entitlement | null;
    /** Whether the key's rights let it be chosen. */
    readonly right: Right;
  }[];
}
