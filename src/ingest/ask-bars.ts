import type { GroupFetch } from "../contracts/group-fetch.ts";
import type { IngestAnswer } from "../contracts/ingest.ts";
import type { Bar } from "../domain/bar.ts";
import type { Calendar, SessionKind } from "../domain/calendar.ts";
import type { CreditLane } from "../domain/credits.ts";
import { implausibleMinutes } from "../domain/plausibility.ts";
import type { ProviderId } from "../domain/provider-id.ts";
import type { EpochMs } from "../domain/time.ts";
import type { MarketClock, WallClock } from "../platform/clocks.ts";
import type { BarsAnswer, HttpGet, ProviderOf } from "../providers/provider.ts";
import { validateBars } from "../providers/validate.ts";
import type { BreakerPort } from "../routing/admission.ts";
import { entitlementOf } from "../routing/entitlement.ts";
import { outcomesOf } from "./call-outcomes.ts";
import { CreditPurse } from "./credit-purse.ts";

/** A provider of 1-minute bars. */
export type BarsProvider = ProviderOf<"bars_1m">;

/** Duties of a group that ask for what is new; every other one repairs. */
const POLL_DUTY = "poll:";

/** What asking a provider needs of the world. `timeoutMs` bounds one call, in time of the wall. */
export interface AskDeps {
  readonly breaker: (provider: ProviderId) => BreakerPort;
  readonly get: HttpGet;
  readonly calendar: Calendar;
  readonly sessions: readonly SessionKind[];
  readonly market: MarketClock;
  readonly wall: WallClock;
  readonly timeoutMs: number;
}

/** An answer as the provider gave it, and as a group takes it in, doubts included. */
export interface AskedBars {
  readonly answer: BarsAnswer;
  readonly ingest: IngestAnswer;
}

/**
 * Asks one provider for a fetch, judges the answer, and tells the provider's breaker how the calls
 * ended. Never throws for a provider's fault.
 */
export async function askBars(
  provider: BarsProvider,
  fetch: GroupFetch,
  deps: AskDeps,
): Promise<AskedBars> {
  const breaker = deps.breaker(provider.id);
  const now = () => deps.market.now();
  const askedAt = now();
  const purse = new CreditPurse({ provider: provider.id, lane: laneOf(fetch), breaker, now });
  const answer = await provider.fetchBars(
    {
      symbols: fetch.symbols,
      interval: fetch.interval,
      startMs: fetch.start_ms,
      endMs: fetch.end_ms,
    },
    {
      get: async (url, options) => {
        const response = await deps.get(url, options);
        purse.hear(response);
        return response;
      },
      now,
      elapsed: () => deps.wall.now(),
      timeoutMs: deps.timeoutMs,
      spend: () => purse.spend(),
    },
  );
  const ingest = toIngest(provider.id, answer, fetch, askedAt, deps);
  await breaker.report("bars_1m", {
    outcomes: outcomesOf(answer, fetch, ingest.doubted, now()),
    entitlement: entitlementOf(answer.calls, answer.failure, now()),
    ...(await purse.close()),
  });
  return { answer, ingest };
}

/** Repair leaves credits to the polls; it goes as T0's until holes have a queue of their own. */
function laneOf(fetch: GroupFetch): CreditLane {
  return fetch.duty.startsWith(POLL_DUTY) ? "live" : "T0";
}

function toIngest(
  provider: ProviderId,
  answer: BarsAnswer,
  fetch: GroupFetch,
  askedAt: EpochMs,
  deps: AskDeps,
): IngestAnswer {
  const asked = {
    symbols: new Set(fetch.symbols),
    startMs: fetch.start_ms,
    endMs: fetch.end_ms,
  };
  const { bars, refused } = validateBars(answer.rows, asked);
  const inSession: Bar[] = [];
  const reasons: Record<string, number> = {};
  for (const { reason } of refused) reasons[reason] = (reasons[reason] ?? 0) + 1;
  for (const bar of bars) {
    if (isStored(bar.ts, deps)) inSession.push(bar);
    else reasons["outside_session"] = (reasons["outside_session"] ?? 0) + 1;
  }
  return {
    source: { provider, feed: answer.feed },
    askedAt,
    receivedAt: deps.wall.now(),
    settle: fetch.settle,
    bars: inSession,
    covered: answer.covered,
    doubted: implausibleMinutes({
      symbols: fetch.symbols,
      spans: fetch.rates,
      covered: answer.covered,
      bars: inSession,
      isExpectedMinute: (ts) => deps.calendar.isExpectedMinute(ts),
    }),
    agreed: [],
    alone: false,
    refused: reasons,
  };
}

/** Regular minutes and the closing window are always stored, pre and post when configured. */
function isStored(ts: EpochMs, deps: AskDeps): boolean {
  const kind = deps.calendar.sessionKind(ts);
  if (kind === undefined) return false;
  return kind === "regular" || deps.sessions.includes(kind) || deps.calendar.isClosingWindow(ts);
}
