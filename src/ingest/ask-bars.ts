import type { GroupFetch } from "../contracts/group-fetch.ts";
import type { IngestAnswer } from "../contracts/ingest.ts";
import type { Bar } from "../domain/bar.ts";
import type { Calendar, SessionKind } from "../domain/calendar.ts";
import { implausibleMinutes } from "../domain/plausibility.ts";
import type { ProviderId } from "../domain/provider-id.ts";
import type { EpochMs } from "../domain/time.ts";
import type { BarsAnswer, ProviderOf } from "../providers/provider.ts";
import { validateBars } from "../providers/validate.ts";
import type { Admission } from "../routing/admission.ts";
import { type AskDeps, askProvider } from "./ask-provider.ts";
import { outcomesOf } from "./call-outcomes.ts";

/** A provider of 1-minute bars. */
export type BarsProvider = ProviderOf<"bars_1m">;

/** What asking for bars needs of the world: which of them are stored is the calendar's to say. */
export interface AskBarsDeps extends AskDeps {
  readonly calendar: Calendar;
  readonly sessions: readonly SessionKind[];
}

/** An answer as the provider gave it, and as a group takes it in, doubts included. */
export interface JudgedBars extends BarsAnswer {
  readonly ingest: IngestAnswer;
}

/** Asks one provider for a fetch and judges the answer. Never throws for a provider's fault. */
export async function askBars(
  provider: BarsProvider,
  fetch: GroupFetch,
  admission: Admission,
  deps: AskBarsDeps,
): Promise<JudgedBars> {
  const askedAt = deps.market.now();
  const request = {
    symbols: fetch.symbols,
    interval: fetch.interval,
    startMs: fetch.start_ms,
    endMs: fetch.end_ms,
  };
  return await askProvider(
    {
      provider: provider.id,
      capability: "bars_1m",
      admission,
      symbols: fetch.symbols,
      lane: fetch.lane,
      call: async (providerDeps) => {
        const answer = await provider.fetchBars(request, providerDeps);
        return { ...answer, ingest: toIngest(provider.id, answer, fetch, askedAt, deps) };
      },
      outcomes: (answer, atMs) => outcomesOf(answer, fetch, answer.ingest.doubted, atMs),
    },
    deps,
  );
}

function toIngest(
  provider: ProviderId,
  answer: BarsAnswer,
  fetch: GroupFetch,
  askedAt: EpochMs,
  deps: AskBarsDeps,
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
function isStored(ts: EpochMs, deps: AskBarsDeps): boolean {
  const kind = deps.calendar.sessionKind(ts);
  if (kind === undefined) return false;
  return kind === "regular" || deps.sessions.includes(kind) || deps.calendar.isClosingWindow(ts);
}
