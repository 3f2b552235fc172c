import { z } from "zod";
import type { GroupFetch } from "../contracts/group-fetch.ts";
import { jobPartSchema, type PartEnd } from "../contracts/rlc-desk.ts";
import type { JobPart } from "../domain/cut-jobs.ts";
import type { EpochMs } from "../domain/time.ts";
import type { Duty, DutyStore } from "./duty-store.ts";
import type { GroupRules } from "./group-rules.ts";
import type { Ledger } from "./ledger.ts";

/** Parts of a coordinator's jobs that may wait in one group; what is beyond is handed back. */
const MAX_PARTS = 64;
const PREFIX = "rlc:";

const bodySchema = z.object({ part: jobPartSchema });

/** Whose parts they are, and what says how long after the end of a minute its bars may be asked for. */
export interface PartDutiesConfig {
  readonly group: number;
  readonly rules: () => GroupRules;
}

/**
 * The parts of a coordinator's jobs as duties of the group that is home of their symbols: run like a
 * poll, and ended once, whatever became of them. Unlike a poll a part is not planned again by the
 * group: the coordinator hears of its end and offers the job once more.
 */
export class PartDuties {
  #config: PartDutiesConfig;
  #duties: DutyStore;
  #ledger: Ledger;

  constructor(config: PartDutiesConfig, duties: DutyStore, ledger: Ledger) {
    this.#config = config;
    this.#duties = duties;
    this.#ledger = ledger;
  }

  /** Writes the parts as duties; answers the ids of those that it did not take. */
  plan(parts: readonly JobPart[], nowMs: EpochMs): string[] {
    let waiting = this.#duties.count(PREFIX);
    return parts
      .filter((part) => {
        const name = `${PREFIX}${part.id}`;
        // One of that name that still stands is of an earlier lease, and of other jobs maybe.
        if (waiting >= MAX_PARTS || this.#duties.has(name)) return true;
        waiting += 1;
        const dueMs = Math.max(nowMs, part.endMs + this.#config.rules().pollOffsetMs);
        this.#duties.plan(name, dueMs, { part });
        return false;
      })
      .map((part) => part.id);
  }

  /** The fetch of a due part: of its symbols those that a poll would ask for; null when none is. */
  job(duty: Duty, nowMs: EpochMs): GroupFetch | null {
    const { part } = bodySchema.parse(duty.body);
    const wanted = new Set(part.symbols);
    const symbols = this.#ledger.roster.polledSymbols().filter((symbol) => wanted.has(symbol));
    const ask = {
      ...part,
      duty: duty.name,
      symbols,
      settle: false,
      lane: "live",
      ownersAsked: true,
    } as const;
    return this.#ledger.scope.fetchOf(ask, nowMs);
  }

  /** A part has ended, or was given up for lost; null when it had ended before. */
  end(name: string, end: PartEnd["end"]): PartEnd | null {
    const duty = this.#duties.find(name);
    if (duty === null) return null;
    this.#duties.finish(name);
    const { part } = bodySchema.parse(duty.body);
    // Members that have not been read yet are no reason to call the symbols unserved.
    const isKnown = end !== "unserved" || this.#ledger.roster.length > 0;
    return { group: this.#config.group, jobs: part.jobs, end: isKnown ? end : "partial" };
  }
}

/** Whether a duty is a part of a coordinator's job, by its name. */
export function isPartDuty(name: string): boolean {
  return name.startsWith(PREFIX);
}
