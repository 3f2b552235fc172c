import { z } from "zod";
import type { BarsFetchJob } from "../contracts/jobs.ts";
import { MAX_JOB_MINUTES } from "../contracts/jobs.ts";
import type { Calendar, SessionKind, TradingSession } from "../domain/calendar.ts";
import { planFetches, type PlannedFetch, planSettle } from "../domain/poll-plan.ts";
import { groupName } from "../domain/symbol.ts";
import type { EpochMs } from "../domain/time.ts";
import { SECOND_MS } from "../domain/time.ts";
import type { Duty, DutyStore } from "./duty-store.ts";
import type { Ledger } from "./ledger.ts";

/** A job that has not answered after this many time-outs is given up; the next tick asks again. */
const PATIENCE_TIMEOUTS = 3;

/** Heals of the groups start over so many seconds, so that they do not crowd out the polls. */
const HEAL_SPREAD_S = 30;
const HEAL = "heal";

const bodySchema = z.object({ startMs: z.number(), endMs: z.number(), settle: z.boolean() });

/** What a group's fetches are planned by. `timeoutMs` is that of one call to a provider. */
export interface FetchDutiesConfig {
  readonly group: number;
  readonly calendar: Calendar;
  readonly sessions: readonly SessionKind[];
  readonly pollOffsetMs: number;
  readonly overlapMinutes: { readonly short: number; readonly long: number };
  readonly timeoutMs: number;
}

/** The fetches of a group as duties: planned by the cron tick, turned into jobs when due. */
export class FetchDuties {
  #config: FetchDutiesConfig;
  #duties: DutyStore;
  #ledger: Ledger;

  constructor(config: FetchDutiesConfig, duties: DutyStore, ledger: Ledger) {
    this.#config = config;
    this.#duties = duties;
    this.#ledger = ledger;
  }

  get patienceMs(): number {
    return PATIENCE_TIMEOUTS * this.#config.timeoutMs;
  }

  /** Writes the duties that a cron tick makes due; the same tick twice writes them once. */
  plan(tickMs: EpochMs, nowMs: EpochMs): void {
    const { calendar, sessions, group, pollOffsetMs } = this.#config;
    const fetches = planFetches({
      ...this.#config,
      nowMs: tickMs,
      maxJobMinutes: MAX_JOB_MINUTES,
      nextHoleMs: (beforeMs) => (this.#duties.has(HEAL) ? null : this.#ledger.nextHoleMs(beforeMs)),
      healDueMs: Math.max(tickMs, nowMs) + pollOffsetMs + (1 + (group % HEAL_SPREAD_S)) * SECOND_MS,
    });
    for (const fetch of fetches) this.#write(fetch);
    const heal = fetches.find((fetch) => fetch.duty === HEAL);
    if (heal !== undefined) this.#ledger.lookForHolesFrom(heal.endMs);
    const session = calendar.previousSession(tickMs);
    if (this.#settlesNow(session, tickMs)) {
      for (const fetch of planSettle(calendar, session, sessions, MAX_JOB_MINUTES))
        this.#write(fetch);
      this.#ledger.meta.set("settle_planned", session.date);
    }
  }

  /** The job of a due fetch, or null when the group has nothing to ask in it. */
  job(duty: Duty, nowMs: EpochMs): BarsFetchJob | null {
    const { startMs, endMs, settle } = bodySchema.parse(duty.body);
    const symbols =
      duty.name === HEAL
        ? this.#ledger.incompleteSymbols(startMs, endMs)
        : this.#ledger.roster.activeSymbols();
    if (symbols.length === 0) return null;
    return {
      v: 1,
      type: "bars",
      id: `${groupName(this.#config.group)}-${duty.name}-${nowMs}`,
      group: this.#config.group,
      duty: duty.name,
      interval: "1m",
      symbols,
      start_ms: startMs,
      end_ms: endMs,
      priority: 0,
      settle,
    };
  }

  /** A session is settled once, when it has closed and the group knew any of it. */
  #settlesNow(session: TradingSession, tickMs: EpochMs): boolean {
    if (tickMs < session.closeMs || this.#ledger.meta.get("settle_planned") === session.date)
      return false;
    const oldestSince = this.#ledger.roster.members.reduce(
      (min, member) => Math.min(min, member.sinceMs),
      Infinity,
    );
    return oldestSince < session.closeMs;
  }

  #write(fetch: PlannedFetch): void {
    const { duty, dueMs, ...body } = fetch;
    this.#duties.plan(duty, dueMs, body);
  }
}

/** Whether a duty is a fetch, by its name. */
export function isFetchDuty(name: string): boolean {
  return name === HEAL || name.startsWith("poll:") || name.startsWith("settle:");
}
