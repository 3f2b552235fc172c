import type { SqlStorage } from "@cloudflare/workers-types";
import type { Calendar } from "../domain/calendar.ts";
import {
  firstRate,
  learnRate,
  RATE_SPAN_MS,
  type RateSpan,
  rateSpanOf,
} from "../domain/plausibility.ts";
import type { Roster } from "../domain/roster.ts";
import type { TimeRange } from "../domain/time.ts";
import type { MinuteChange } from "./classify.ts";

/** Nothing has been learned of a slot yet. */
const NONE = -1;
/** Rates travel with every fetch: two digits judge as well as sixteen. */
const DIGITS = 100;

/**
 * How often each member trades, by half hour of the session: what an answer is judged by. One row a
 * half hour holds the rates of all slots, since a row a member would be rewritten by every minute.
 */
export class RateBook {
  #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** The rates of `symbols`, in their order, for each half hour that the range touches. */
  spans(symbols: readonly string[], range: TimeRange, roster: Roster, calendar: Calendar) {
    const slots = symbols.map((symbol) => roster.slotOf(symbol));
    const spans: RateSpan[] = [];
    for (const session of calendar.sessionsBetween(range.startMs, range.endMs)) {
      for (let fromMs = session.openMs; fromMs < session.closeMs; fromMs += RATE_SPAN_MS) {
        if (fromMs >= range.endMs || fromMs + RATE_SPAN_MS <= range.startMs) continue;
        const known = this.#read(rateSpanOf(fromMs, session), roster);
        const rates = slots.map((slot) => Math.round((known[slot ?? -1] ?? 0) * DIGITS) / DIGITS);
        spans.push({ fromMs, rates });
      }
    }
    return spans;
  }

  /** Learns from the slots that a change settled: a minute is learned once, and only when settled. */
  learn(changes: readonly MinuteChange[], roster: Roster, calendar: Calendar): void {
    const bySpan = new Map<number, MinuteChange[]>();
    for (const change of changes) {
      if (change.resolvedSlots.length === 0 || !calendar.isExpectedMinute(change.ts)) continue;
      const session = calendar.sessionContaining(change.ts);
      if (session === undefined) continue;
      const span = rateSpanOf(change.ts, session);
      bySpan.set(span, [...(bySpan.get(span) ?? []), change]);
    }
    for (const [span, minutes] of bySpan) {
      const rates = this.#read(span, roster);
      for (const { resolvedSlots, beliefs } of minutes) {
        for (const slot of resolvedSlots) {
          const traded = beliefs.get(slot).state === "bar";
          rates[slot] = learnRate(rates[slot] ?? 0, traded);
        }
      }
      this.#write(span, rates);
    }
  }

  /** The rates of a half hour by slot; what was never learned is what its tier trades. */
  #read(span: number, roster: Roster): Float32Array {
    const rows = this.#sql
      .exec<{ body: ArrayBuffer }>("SELECT body FROM trading_rate WHERE span = ?", span)
      .toArray();
    const stored = rows[0] === undefined ? new Float32Array() : new Float32Array(rows[0].body);
    return Float32Array.from(roster.members, ({ slot, tier }) => {
      const rate = stored[slot] ?? NONE;
      return rate === NONE ? firstRate(tier) : rate;
    });
  }

  #write(span: number, rates: Float32Array): void {
    this.#sql.exec(
      `INSERT INTO trading_rate (span, body) VALUES (?, ?)
       ON CONFLICT (span) DO UPDATE SET body = excluded.body`,
      span,
      rates,
    );
  }
}
