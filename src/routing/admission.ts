import type { BreakerState } from "../domain/breaker.ts";
import type { CreditLane, RateNotice } from "../domain/credits.ts";
import type { Outcome } from "../domain/health.ts";
import type { Capability } from "../domain/provider-id.ts";
import type { PlanLimits } from "../providers/plan-limits.ts";
import type { Decision } from "./decision.ts";
import type { Entitlement, Right } from "./entitlement.ts";

/** How a provider's breaker stands for a capability. */
export interface Admission {
  readonly state: BreakerState;
  /** The score as shown, in [0, 1]. */
  readonly h: number;
  /** Whether the key's rights let it be chosen; absent: they do. */
  readonly right?: Right;
  /** How late its minutes are by what its key has shown; absent: as late as its plan says. */
  readonly delayMs?: PlanLimits["delayMs"];
  /** Symbols that it has called malformed: they would fail a whole batch and are not asked of it. */
  readonly badSymbols?: readonly string[];
}

/** A grant of provider quota; `waitMs` (market time) is set when nothing was granted. */
export interface CreditGrant {
  readonly granted: number;
  readonly waitMs: number;
}

/** How the calls of a job ended. */
export interface CallsReport {
  /** Oldest first; without those that say nothing about health. */
  readonly outcomes: readonly Outcome[];
  /** Credits that the job took and did not spend. */
  readonly unspentCredits: number;
  /** The last that the provider's headers said of the quota. */
  readonly rate: RateNotice | null;
  /** What the answers showed of the key's rights; null when they showed nothing. */
  readonly entitlement: Entitlement | null;
  /** Symbols that the provider called malformed. */
  readonly badSymbols?: readonly string[];
}

/** What routing asks of the object that keeps a provider's breaker, credits and history. */
export interface BreakerPort {
  admission(capability: Capability): Promise<Admission>;
  /**
   * Lets a job through a half-open breaker, or to a key that was refused a while ago, to find out;
   * false when enough are on their way.
   */
  takeProbe(capability: Capability): Promise<boolean>;
  /** Hands out up to `wanted` credits, of what the lane may take. */
  takeCredits(wanted: number, lane: CreditLane): Promise<CreditGrant>;
  /** Told at once of a rate limit, so that no other job runs into it. */
  correctCredits(notice: RateNotice): Promise<void>;
  report(capability: Capability, report: CallsReport): Promise<void>;
  /** Keeps what a job decided, for whoever asks why. */
  recordDecision(decision: Decision): Promise<void>;
}
