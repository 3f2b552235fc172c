import { z } from "zod";
import type { GroupFetch } from "../contracts/group-fetch.ts";
import { MAX_JOB_BARS } from "../contracts/job-fields.ts";
import type { PartEnd } from "../contracts/rlc-desk.ts";
import type { TradingSession } from "../domain/calendar.ts";
import { lastPassMs, type PlannedFetch, planPoll, planSettle } from "../domain/poll-plan.ts";
import type { EpochMs } from "../domain/time.ts";
import { DAY_MS, MINUTE_MS } from "../domain/time.ts";
import type { Duty, DutyStore } from "./duty-store.ts";
import type { GroupRules } from "./group-rules.ts";
import type { Ledger } from "./ledger.ts";
import { isPartDuty, PartDuties } from "./part-duties.ts";

/** A job that has not answered after this many time-outs is given up; the next tick asks again. */
const PATIENCE_TIMEOUTS = 3;

const POLL = "poll:";
const SETTLE = "settle:";
/** The close of the last session whose settle pass is planned. */
const SETTLE_PLANNED = "settle_planned_ms";
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

/** Whose fetches they are, and what they are planned by. */
export interface FetchDutiesConfig {
  readonly group: number;
  readonly rules: () => GroupRules;
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
    return PATIENCE_TIMEOUTS * this.#config.rules().timeoutMs;
  }

  /**
   * Writes the duties that a cron tick makes due; the same tick twice writes them once. Without
   * `polls` the minute that just ended is not the group's to ask for: an outside coordinator does.
   */
  plan(tickMs: EpochMs, polls: boolean): void {
    const rules = this.#config.rules();
    const poll = polls ? planPoll({ ...rules, nowMs: tickMs }) : null;
    if (poll !== null) this.#write(poll);
    for (const session of this.#sessionsToSettle(tickMs)) {
      const passes = planSettle(session, { ...rules, maxJobMinutes: MAX_JOB_BARS });
      for (const fetch of passes) this.#write(fetch);
      this.#ledger.meta.set(SETTLE_PLANNED, session.closeMs);
    }
  }

  /**
   * A fetch has ended, or was given up for lost. A part of the settle pass that was not answered whole
   * comes again: nothing else would ask for it. The end of a coordinator's part is answered.
   */
  end(name: string, answeredWhole: boolean, nowMs: EpochMs): PartEnd | null {
    if (isPartDuty(name)) return this.parts.end(name, answeredWhole ? "whole" : "partial");
    const duty = name.startsWith(SETTLE) && !answeredWhole ? this.#duties.find(name) : null;
    this.#duties.finish(name);
    if (duty === null) return null;
    const body = bodySchema.parse(duty.body);
    if (body.tries + 1 >= SETTLE_TRIES) return null;
    this.#duties.plan(name, nowMs + SETTLE_RETRY_MS, { ...body, tries: body.tries + 1 });
    return null;
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
    const symbols = roster.polledSymbols();
    const isPoll = duty.name.startsWith(POLL);
    const ask = {
      duty: duty.name,
      symbols,
      startMs,
      endMs,
      priority: 0,
      settle,
      lane: isPoll ? "live" : "T0",
      // Only what a poll looks at again is the giver's; the settle pass is the policy's, whoever gave it.
      ownersAsked: isPoll,
    } as const;
    return scope.fetchOf(ask, nowMs);
  }

  /**
   * Sessions that have closed and are not settled yet, as far as the group knew any of them; a close
   * that no tick saw is not forgotten. A new group settles nothing that was over for good before it
   * began: whatever fills it asks long after the last correction.
   */
  #sessionsToSettle(tickMs: EpochMs): TradingSession[] {
    const { members } = this.#ledger.roster;
    if (members.length === 0) return [];
    const oldestSince = Math.min(...members.map((member) => member.sinceMs));
    const { meta } = this.#ledger;
    const plannedMs = meta.getNumber(SETTLE_PLANNED);
    const settledMs = plannedMs ?? this.#overForGoodMs(tickMs);
    if (plannedMs === null) meta.set(SETTLE_PLANNED, settledMs);
    const fromMs = Math.max(settledMs, oldestSince, tickMs - SETTLE_HORIZON_MS);
    return this.#config
      .rules()
      .calendar.sessionsBetween(fromMs, tickMs)
      .filter(({ closeMs }) => closeMs <= tickMs && closeMs > settledMs);
  }

  /** The close of the last session whose morning pass would be over at the tick. */
  #overForGoodMs(tickMs: EpochMs): EpochMs {
    const { calendar } = this.#config.rules();
    let session = calendar.previousSession(tickMs);
    while (lastPassMs(session, calendar) > tickMs)
      session = calendar.previousSession(session.openMs - 1);
    return session.closeMs;
  }

  #write(fetch: PlannedFetch): void {
    const { duty, dueMs, ...body } = fetch;
    this.#duties.plan(duty, dueMs, body);
  }
}

/** Whether a duty is a fetch, by its name. */
export function isFetchDuty(name: string): boolean {
  if (isPartDuty(name)) return true;
  return name.startsWith(POLL) || name.startsWith(SETTLE);
}
