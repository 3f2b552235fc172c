import type { BackfillRun, StoredRange, SymbolRange } from "../contracts/backfill.ts";
import type { GroupFetch } from "../contracts/group-fetch.ts";
import type { IngestAnswer, PollOutcome } from "../contracts/ingest.ts";
import { toIso } from "../domain/time.ts";
import { calendarOf, type Settings } from "../env.ts";
import { marketClock } from "../platform/clocks.ts";
import { symbolGroupStub } from "../platform/stubs.ts";
import { storeHistory } from "../postgres/history-store.ts";
import { recordKnown } from "../postgres/known-store.ts";
import { sqlClientOf } from "../postgres/service-client.ts";

/**
 * Stores what a job brought of minutes that are older than the group's beliefs, or not owed to it: bars,
 * and which minutes are known now; then the group tells its stream where to read them. Answers what is
 * still open. An answer without a single bar is believed only after it has come several times.
 */
export async function storeBackfill(
  run: BackfillRun,
  fetch: GroupFetch,
  outcome: PollOutcome,
  settings: Settings,
  env: Env,
): Promise<SymbolRange[]> {
  const range = { startMs: fetch.start_ms, endMs: fetch.end_ms };
  const hasBars = outcome.answers.some(({ bars }) => bars.length > 0);
  const known = hasBars || run.believes_alone ? coveredRanges(outcome.answers, fetch) : [];
  const sql = sqlClientOf(settings);
  const calendar = calendarOf(settings);
  for (const answer of outcome.answers) {
    if (answer.bars.length === 0) continue;
    await storeHistory(sql, {
      ...answer,
      group: run.group,
      interval: "1m",
      sessionOf: (ts) => calendar.sessionKind(ts) ?? "post",
      nowMs: marketClock.now(),
    });
  }
  if (known.length > 0) {
    await recordKnown(sql, known, marketClock.now());
    await symbolGroupStub(env, run.group).backfillStored(known);
  }
  const isKnown = new Set(known.map(({ symbol }) => symbol));
  return fetch.symbols.flatMap((symbol) => (isKnown.has(symbol) ? [] : [{ symbol, ...range }]));
}

/** Symbols that were answered over the whole of the fetch, each by the first that did. */
function coveredRanges(answers: readonly IngestAnswer[], fetch: GroupFetch): StoredRange[] {
  const known = new Map<string, StoredRange>();
  for (const { covered, source } of answers) {
    for (const { symbols, startMs, endMs } of covered) {
      if (startMs > fetch.start_ms || endMs < fetch.end_ms) continue;
      for (const symbol of symbols) {
        if (known.has(symbol)) continue;
        const range = { startMs: fetch.start_ms, endMs: fetch.end_ms };
        known.set(symbol, { symbol, ...range, ...source, href: hrefOf(symbol, range) });
      }
    }
  }
  return [...known.values()].map(({ symbol, startMs, endMs, provider, href }) => ({
    symbol,
    startMs,
    endMs,
    provider,
    href,
  }));
}

function hrefOf(symbol: string, range: { startMs: number; endMs: number }): string {
  const query = new URLSearchParams({
    symbols: symbol,
    interval: "1m",
    start: toIso(range.startMs),
    end: toIso(range.endMs),
  });
  return `/v1/bars?${query.toString()}`;
}
