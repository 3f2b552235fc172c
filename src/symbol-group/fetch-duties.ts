import { z } from "zod";
import type { GroupFetch } from "../contracts/group-fetch.ts";
import { MAX_FETCH_MINUTES } from "../contracts/group-fetch.ts";
import type { PartEnd } from "../contracts/rlc-desk.ts";
import type { Calendar, SessionKind, TradingSession } from "../domain/calendar.ts";
import { planFetches, type PlannedFetch, planSettle } from "../domain/poll-plan.ts";
import type { EpochMs } from "../domain/time.ts";
import { DAY_MS, MINUTE_MS, SECOND_MS } from "../domain/time.ts";
import type { Duty, DutyStore } from "./duty-store.ts";
import type { Ledger } from "./ledger.ts";
import { isPartDuty, PartDuties } from "./part-duties.ts";

/** A job that has not answered after this many time-outs is given up; the next tick asks again. */
const PATIENCE_TIMEOUTS = 3;

/** Heals of the groups start in so many waves, so far apart, so that they do not crowd out the polls. */
const HEAL_WAVES = 6;
const HEAL_WAVE_MS = 5 * SECOND_MS;
/** A heal that brought nothing is not followed by another at once: twice as late each time, up to this. */
const MAX_HEAL_PAUSE_MS = 5 * MINUTE_MS;
const POLL = "poll:";
const HEAL = "heal:";
/** Beliefs reach back five sessions: what closed before is not settled any more. */
const SETTLE_HORIZON_MS = 7 * DAY_MS;
/** A settle job that was not answered whole is tried again so often, this far apart. */
const SETTLE_TRIES = 12;
const SETTLE_RETRY_MS = 5 * MINUTE_MS;

const bodySchema = z.object({
  startMs: z.number(),
  endMs: z.number(),
  settle: z.boolean(),
  tries: z.number().default(0),
});

const pauseSchema = z.object({ idle: z.number().default(0), untilMs: z.number().default(0) });

/** How a fetch ended: whether everything was answered, and whether that completed any minute. */
export interface FetchEnd {
  readonly answeredWhole: boolean;
  readonly brought: boolean;
}

/** What a group's fetches are planned by. `timeoutMs` is that of one call to a provider. */
export interface FetchDutiesConfig {
  readonly group: number;
  readonly calendar: Calendar;
  readonly sessions: readonly SessionKind[];
  readonly pollOffsetMs: number;
  readonly planDelayMs: number;
  readonly polled: boolean;
  readonly overlapMinutes: { readonly short: number; readonly long: number };
  readonly timeoutMs: number;
}

/** The fetches of a group as duties: planned by the cron tick, turned into jobs when due. */
export class FetchDuties {
  readonly parts: PartDuties;
  #config: FetchDutiesConfig;
  #duties: DutyStore;
  #ledger: Ledger;

  constructor(config: FetchDutiesConfig, duties: DutyStore, ledger: Ledger) {
    this.#config = config;
    this.parts = new PartDuties(config, duties, ledger);
    this.#duties = duties;
    this.#ledger = ledger;
  }

  get patienceMs(): number {
    return PATIENCE_TIMEOUTS * this.#config.timeoutMs;
  }

  /**
   * Writes the duties that a cron tick makes due; the same tick twice writes them once. Without
   * `polls` the minute that just ended is not the group's to ask for: an outside coordinator does.
   */
  plan(tickMs: EpochMs, nowMs: EpochMs, polls: boolean): void {
    const { group, pollOffsetMs } = this.#config;
    const fetches = planFetches({
      ...this.#config,
      nowMs: tickMs,
      maxJobMinutes: MAX_FETCH_MINUTES,
      nextHoleMs: (beforeMs) =>
        this.#duties.hasAny(HEAL) || tickMs < this.#healPause().untilMs
          ? null
          : this.#ledger.scope.nextHoleMs(beforeMs),
      healDueMs:
        Math.max(tickMs, nowMs) + pollOffsetMs + SECOND_MS + (group % HEAL_WAVES) * HEAL_WAVE_MS,
    });
    for (const fetch of fetches) {
      if (polls || !fetch.duty.startsWith(POLL)) this.#write(fetch);
    }
    const heal = fetches.find((fetch) => fetch.duty.startsWith(HEAL));
    if (heal !== undefined) this.#ledger.scope.lookForHolesFrom(heal.endMs);
    for (const session of this.#sessionsToSettle(tickMs)) {
      const passes = planSettle(session, { ...this.#config, maxJobMinutes: MAX_FETCH_MINUTES });
      for (const fetch of passes) this.#write(fetch);
      this.#ledger.meta.set("settle_planned_ms", session.closeMs);
    }
  }

  /**
   * A fetch has ended, or was given up for lost. A part of the settle pass that was not answered whole
   * comes again: nothing else would ask for it; after a heal that brought nothing there is a pause. The
   * end of a coordinator's part is answered.
   */
  end(name: string, { answeredWhole, brought }: FetchEnd, nowMs: EpochMs): PartEnd | null {
    if (name.startsWith(HEAL)) this.#pauseHeals(brought, nowMs);
    if (isPartDuty(name)) return this.parts.end(name, answeredWhole ? "whole" : "partial");
    const duty = name.startsWith("settle:") && !answeredWhole ? this.#duties.find(name) : null;
    this.#duties.finish(name);
    if (duty === null) return null;
    const body = bodySchema.parse(duty.body);
    if (body.tries + 1 >= SETTLE_TRIES) return null;
    this.#duties.plan(name, nowMs + SETTLE_RETRY_MS, { ...body, tries: body.tries + 1 });
    return null;
  }

  #healPause(): { idle: number; untilMs: EpochMs } {
    return pauseSchema.parse(JSON.parse(this.#ledger.meta.get("heal_pause") ?? "{}"));
  }

  #pauseHeals(brought: boolean, nowMs: EpochMs): void {
    const idle = brought ? 0 : this.#healPause().idle + 1;
    const pauseMs = idle < 2 ? 0 : Math.min(2 ** (idle - 1) * MINUTE_MS, MAX_HEAL_PAUSE_MS);
    this.#ledger.meta.set("heal_pause", JSON.stringify({ idle, untilMs: nowMs + pauseMs }));
  }

  /** A fetch that has nothing to ask has ended, too. */
  endEmpty(name: string): PartEnd | null {
    if (isPartDuty(name)) return this.parts.end(name, "unserved");
    this.#duties.finish(name);
    return null;
  }

  /** The job of a due fetch, or null when the group has nothing to ask in it. */
  job(duty: Duty, nowMs: EpochMs): GroupFetch | null {
    if (isPartDuty(duty.name)) return this.parts.job(duty, nowMs);
    const { startMs, endMs, settle } = bodySchema.parse(duty.body);
    const { scope, roster } = this.#ledger;
    const symbols = duty.name.startsWith(HEAL)
      ? scope.healSymbols({ startMs, endMs })
      : roster.polledSymbols();
    // Only what a poll looks at again is the giver's; the settle pass is the policy's, whoever gave it.
    const ownersAsked = duty.name.startsWith(POLL);
    const ask = { duty: duty.name, symbols, startMs, endMs, priority: 0, settle, ownersAsked };
    return scope.fetchOf(ask, nowMs);
  }

  /**
   * Sessions that have closed and are not settled yet, as far as the group knew any of them; a close
   * that no tick saw is not forgotten.
   */
  #sessionsToSettle(tickMs: EpochMs): TradingSession[] {
    const { members } = this.#ledger.roster;
    if (members.length === 0) return [];
    const oldestSince = Math.min(...members.map((member) => member.sinceMs));
    const settledMs = this.#ledger.meta.getNumber("settle_planned_ms") ?? 0;
    const fromMs = Math.max(settledMs, oldestSince, tickMs - SETTLE_HORIZON_MS);
    return this.#config.calendar
      .sessionsBetween(fromMs, tickMs)
      .filter((session) => session.closeMs <= tickMs && session.closeMs > settledMs);
  }

  #write(fetch: PlannedFetch): void {
    const { duty, dueMs, ...body } = fetch;
    this.#duties.plan(duty, dueMs, body);
  }
}

/** Whether a duty is a fetch, by its name. */
export function isFetchDuty(name: string): boolean {
  if (isPartDuty(name)) return true;
  return name.startsWith(HEAL) || name.startsWith(POLL) || name.startsWith("settle:");
}
