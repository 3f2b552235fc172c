import type { CreditLane } from "../domain/credits.ts";
import type { Outcome } from "../domain/health.ts";
import type { Capability, ProviderId } from "../domain/provider-id.ts";
import type { MarketClock, WallClock } from "../platform/clocks.ts";
import { maybeTrace } from "../platform/trace.ts";
import type { HttpGet, ProviderCall, ProviderDeps } from "../providers/provider.ts";
import type { ProviderError } from "../providers/provider-error.ts";
import type { Admission, BreakerPort } from "../routing/admission.ts";
import { badSymbolsOf } from "../routing/bad-symbols.ts";
import { entitlementOf } from "../routing/entitlement.ts";
import { CreditPurse } from "./credit-purse.ts";

/** What asking a provider needs of the world. `timeoutMs` bounds one call, in time of the wall. */
export interface AskDeps {
  readonly breaker: (provider: ProviderId) => BreakerPort;
  readonly get: HttpGet;
  readonly market: MarketClock;
  readonly wall: WallClock;
  readonly timeoutMs: number;
}

/** One verb of one provider: what it serves, on whose credits, and how its answer bears on health. */
export interface ProviderAsk<Answer> {
  readonly provider: ProviderId;
  readonly capability: Capability;
  /** What the provider's object said when it was chosen: how late its key is. */
  readonly admission?: Admission;
  /** The symbols that are asked for: those that it calls malformed are remembered. Absent: none are. */
  readonly symbols?: readonly string[];
  readonly lane: CreditLane;
  readonly call: (deps: ProviderDeps) => Promise<Answer>;
  /** Null: the answer says nothing of how the capability is served, only credits are reported. */
  readonly outcomes: ((answer: Answer, atMs: number) => Outcome[]) | null;
}

/** What every answer of a provider has. */
interface Answered {
  readonly calls: readonly ProviderCall[];
  readonly failure: ProviderError | null;
  readonly isLate?: boolean;
}

/** Calls a verb on the provider's credits and tells its breaker how the calls ended. */
export async function askProvider<Answer extends Answered>(
  ask: ProviderAsk<Answer>,
  deps: AskDeps,
): Promise<Answer> {
  const { provider, lane } = ask;
  const breaker = deps.breaker(provider);
  const now = () => deps.market.now();
  const delayMs = ask.admission?.delayMs;
  const purse = new CreditPurse({ provider, lane, breaker, now });
  const span = `${provider} ${ask.capability}`;
  const work = {
    get: async (url: string, options: Parameters<HttpGet>[1]) => {
      const response = await maybeTrace("http", () => deps.get(url, options));
      purse.hear(response);
      return response;
    },
    now,
    elapsed: () => deps.wall.now(),
    timeoutMs: deps.timeoutMs,
    spend: () => purse.spend(),
    ...(delayMs === undefined ? {} : { delayMs }),
  };
  const answer = await maybeTrace(span, () => ask.call(work));
  await maybeTrace("tell the breaker", async () =>
    breaker.report(ask.capability, {
      outcomes: ask.outcomes?.(answer, now()) ?? [],
      entitlement:
        ask.outcomes === null
          ? null
          : entitlementOf(answer.calls, answer.failure, now(), answer.isLate),
      badSymbols: badSymbolsOf(answer.failure, ask.symbols ?? []),
      ...(await purse.close()),
    }),
  );
  return answer;
}
