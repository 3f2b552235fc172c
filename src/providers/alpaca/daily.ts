import { newYorkMs } from "../../domain/new-york-time.ts";
import { coveredDates, dailyTs } from "../daily-bar.ts";
import { planDelay, servableDates } from "../plan-limits.ts";
import type { BarsAnswer, DailyBarsRequest, ProviderCall, ProviderDeps } from "../provider.ts";
import { ProviderError } from "../provider-error.ts";
import { droppedFailure } from "./ask-chunks.ts";
import { type AlpacaAccount, askBars } from "./bars.ts";
import type { BarsQuery } from "./client.ts";
import { alpacaLimits } from "./limits.ts";
import { toDailyBar } from "./map.ts";

const MINUTES_PER_DAY = 1_440;

/** Daily bars are the consolidated tape's, whatever feed the minutes are of. */
const FEED = "sip";

/**
 * Raw daily bars, many symbols a call. One range holds all dates asked; bars of dates between them are
 * left out.
 */
export async function fetchDailyBars(
  account: AlpacaAccount,
  request: DailyBarsRequest,
  deps: ProviderDeps,
): Promise<BarsAnswer> {
  const nowMs = deps.now();
  const limits = alpacaLimits(account.plan, FEED);
  const { dates, failure: unserved } = servableDates(request.dates, limits, nowMs);
  const calls: ProviderCall[] = [];
  const nothing = { rows: [], covered: [], feed: FEED, calls } as const;
  const [first] = dates;
  const last = dates.at(-1);
  if (first === undefined || last === undefined) return { ...nothing, failure: unserved };
  const startMs = newYorkMs(first, 0);
  // A range that touches what a delayed plan does not serve yet is refused whole.
  const servedMs = nowMs - (planDelay(limits) ?? 0);
  const endMs = Math.min(newYorkMs(last, MINUTES_PER_DAY), servedMs);
  if (endMs <= startMs) {
    const failure = new ProviderError("not_entitled", "the plan does not serve that date yet");
    return { ...nothing, failure };
  }
  const query: BarsQuery = { timeframe: "1Day", feed: FEED, startMs, endMs };
  const answer = await askBars(account, request.symbols, query, deps, calls);
  const asked = new Set(dates.map(dailyTs));
  // A date between those asked is no fault; one outside the range is, and is refused later.
  const isBetween = (ts: number) => ts > dailyTs(first) && ts < dailyTs(last) && !asked.has(ts);
  return {
    rows: answer.rows.map((bar) => toDailyBar(bar, query)).filter((bar) => !isBetween(bar.ts)),
    covered: coveredDates(answer.answered, dates),
    feed: FEED,
    calls,
    failure: answer.failure ?? unserved ?? droppedFailure(answer.dropped),
  };
}
