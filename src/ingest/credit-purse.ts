import type { CreditLane, RateNotice } from "../domain/credits.ts";
import type { ProviderId } from "../domain/provider-id.ts";
import type { EpochMs } from "../domain/time.ts";
import type { HttpResponse } from "../providers/provider.ts";
import { ProviderError } from "../providers/provider-error.ts";
import type { BreakerPort } from "../routing/admission.ts";
import { rateNotice } from "../routing/rate-notice.ts";

/**
 * Credits are taken one, two, four, then eight at a time: a job of one call takes one, a job of many
 * does not ask for each.
 */
const MAX_CREDITS_AT_A_TIME = 8;

/** Whose credits, for what, and where they come from. */
export interface CreditPurseDeps {
  readonly provider: ProviderId;
  readonly lane: CreditLane;
  readonly breaker: Pick<BreakerPort, "takeCredits" | "correctCredits">;
  /** Market time. */
  readonly now: () => EpochMs;
}

/**
 * The credits of one job at one provider. It hears what the answers say of the quota: after a rate
 * limit it is void and spends nothing more, whatever it holds, and the breaker is told at once.
 */
export class CreditPurse {
  #deps: CreditPurseDeps;
  #held = 0;
  #wanted = 1;
  #taking: Promise<void> = Promise.resolve();
  #limited: Promise<void> | null = null;
  #rate: RateNotice | null = null;

  constructor(deps: CreditPurseDeps) {
    this.#deps = deps;
  }

  /** Spends one credit; throws `ProviderError("no_credits")` when there is none. */
  spend(): Promise<void> {
    // One at a time: parallel calls of a job share what was granted.
    const take = () => this.#take();
    this.#taking = this.#taking.then(take, take);
    return this.#taking;
  }

  /** Hears a response before anybody judges it. */
  hear(response: Pick<HttpResponse, "status" | "headers">): void {
    const notice = rateNotice(response, this.#deps.now());
    if (notice === null) return;
    // Answers of parallel calls arrive in any order; within one window the smaller is the later one.
    const isOlder =
      this.#rate?.resetMs === notice.resetMs && this.#rate.remaining < notice.remaining;
    if (!isOlder) this.#rate = notice;
    if (response.status !== 429 || this.#limited !== null) return;
    this.#held = 0;
    // Should it not arrive, the report of the job says the same a little later.
    this.#limited = this.#deps.breaker.correctCredits(notice).catch(() => undefined);
  }

  /** What was not spent, and the last that was said of the quota. */
  async close(): Promise<{ unspentCredits: number; rate: RateNotice | null }> {
    await this.#limited;
    return { unspentCredits: this.#held, rate: this.#rate };
  }

  async #take(): Promise<void> {
    const { breaker, lane, provider } = this.#deps;
    if (this.#held === 0 && this.#limited === null) {
      const { granted } = await breaker.takeCredits(this.#wanted, lane);
      // A rate limit that came meanwhile has voided the grant.
      if (this.#limited === null) this.#held += granted;
      this.#wanted = Math.min(this.#wanted * 2, MAX_CREDITS_AT_A_TIME);
    }
    if (this.#held === 0) throw new ProviderError("no_credits", `${provider} has no credits left`);
    this.#held -= 1;
  }
}
