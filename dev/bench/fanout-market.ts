import type { PollOutcome } from "../../src/contracts/ingest.ts";
import { createCalendar } from "../../src/domain/calendar.ts";
import { groupOf } from "../../src/domain/symbol.ts";
import { MINUTE_MS, SECOND_MS, type EpochMs } from "../../src/domain/time.ts";

export const FANOUT_GROUPS = 32;
/**
 * Of 8,000 symbols in 32 groups 3,000 trade in a minute. A group has those alone as members: of a minute in which
 * others were silent a later flush would have to say what became of it.
 */
export const FANOUT_BARS = 94;

/** Later than anything that the other benchmarks do: market time never goes back. */
export const FANOUT_SESSION = createCalendar().nextSession(Date.UTC(2026, 2, 20, 22));
/** A minute's bars arrive so long after its end. */
const ANSWER_DELAY_MS = 3 * SECOND_MS;

const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
let placed: readonly (readonly string[])[] | null = null;

/** The members of a group: names of four letters that hash to it. */
export function fanoutSymbols(group: number): readonly string[] {
  placed ??= placeSymbols();
  return placed[group] ?? [];
}

function placeSymbols(): string[][] {
  const groups: string[][] = Array.from({ length: FANOUT_GROUPS }, () => []);
  let open = FANOUT_GROUPS;
  for (let number = 0; open > 0; number += 1) {
    const symbol = [17_576, 676, 26, 1]
      .map((unit) => LETTERS[Math.floor(number / unit) % LETTERS.length])
      .join("");
    const members = groups[groupOf(symbol, FANOUT_GROUPS)];
    if (members === undefined || members.length === FANOUT_BARS) continue;
    members.push(symbol);
    if (members.length === FANOUT_BARS) open -= 1;
  }
  return groups;
}

/** When the bars of a minute of the session arrive. */
export function fanoutTime(minute: number): EpochMs {
  return FANOUT_SESSION.openMs + (minute + 1) * MINUTE_MS + ANSWER_DELAY_MS;
}

/** What a poll of a group brings for a minute: a bar of each member. */
export function fanoutAnswer(group: number, minute: number, receivedAt: EpochMs): PollOutcome {
  const ts = FANOUT_SESSION.openMs + minute * MINUTE_MS;
  const symbols = fanoutSymbols(group);
  const bars = symbols.map((symbol, slot) => {
    const close = 20 + ((slot * 7_919 + group * 104_729 + minute * 31) % 30_000) / 100;
    const volume = 100 + ((slot * 104_729 + minute * 7_919) % 90_000);
    return {
      symbol,
      ts,
      open: Math.round((close - 0.02) * 100) / 100,
      high: Math.round((close + 0.05) * 100) / 100,
      low: Math.round((close - 0.04) * 100) / 100,
      close,
      volume,
      vwap: Math.round((close + 0.0037) * 10_000) / 10_000,
      tradeCount: 1 + (volume % 700),
    };
  });
  const answer = {
    source: { provider: "alpaca" as const, feed: "sip" as const },
    askedAt: fanoutTime(minute),
    receivedAt,
    settle: false,
    bars,
    covered: [{ symbols, startMs: ts, endMs: ts + MINUTE_MS }],
    doubted: [],
    agreed: [],
    alone: false,
    refused: {},
  };
  return { answers: [answer], calls: [], selected: [], failures: [], uncovered: 0 };
}
