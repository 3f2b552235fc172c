import { z } from "zod";
import { DAY_MS, type EpochMs } from "../domain/time.ts";
import type { ActPlace, NumberedAct } from "../platform/act-log.ts";
import { errorText, log } from "../platform/log.ts";

/** Acts of one statement. */
const MAX_ACTS = 500;
/** Statements of a round: as many as ConfigStore keeps acts, should each come alone for its size. */
const MAX_BATCHES = 1_000;
/** So long it is believed that Postgres has what it had: it may have been restored to an earlier time. */
const TRUST_MS = DAY_MS;

/** What a copier is made from. */
export interface AuditCopierDeps {
  /** ConfigStore's acts behind one, oldest first; from the oldest on when it does not have that one. */
  readonly after: (place: ActPlace | null, limit: number) => Promise<NumberedAct[]>;
  /** The newest act that Postgres has. */
  readonly newest: () => Promise<ActPlace | null>;
  /** Puts acts into Postgres, all or none; those that it has already stay. */
  readonly store: (acts: readonly NumberedAct[]) => Promise<void>;
  readonly memory: { readonly get: () => string | null; readonly set: (value: string) => void };
  /** Wall time. */
  readonly now: () => EpochMs;
}

const memorySchema = z.object({
  place: z.object({ id: z.number(), atMs: z.number() }).nullable(),
  askedMs: z.number(),
});

/**
 * Copies the audit of ConfigStore to Postgres, which itself says how far it has it: in order, and each act once,
 * for it is known by its number and instant. What is remembered only spares asking: a database that nobody asks
 * may sleep.
 */
export class AuditCopier {
  #deps: AuditCopierDeps;

  constructor(deps: AuditCopierDeps) {
    this.#deps = deps;
  }

  /** A round. What fails is told, never thrown: the next round does it again. */
  async run(): Promise<void> {
    try {
      if (await this.#isDue()) await this.#copy();
    } catch (error) {
      log("warn", "the audit was not copied to the database", { error: errorText(error) });
    }
  }

  async #isDue(): Promise<boolean> {
    const { memory, now, after } = this.#deps;
    const text = memory.get();
    if (text === null) return true;
    const { place, askedMs } = memorySchema.parse(JSON.parse(text));
    return now() - askedMs >= TRUST_MS || (await after(place, 1)).length > 0;
  }

  async #copy(): Promise<void> {
    const { memory, now, after, newest, store } = this.#deps;
    const askedMs = now();
    let place = await newest();
    for (let batch = 0; batch < MAX_BATCHES; batch += 1) {
      const acts = await after(place, MAX_ACTS);
      const last = acts.at(-1);
      if (last === undefined) break;
      tellLost(place, acts[0] ?? last);
      await store(acts);
      place = { id: last.id, atMs: last.atMs };
    }
    memory.set(JSON.stringify({ place, askedMs }));
  }
}

/** ConfigStore keeps its last acts only, whether or not the database could be reached meanwhile. */
function tellLost(place: ActPlace | null, first: ActPlace): void {
  const lost = place === null ? 0 : first.id - place.id - 1;
  if (lost > 0) log("error", "acts were dropped from the audit before they were copied", { lost });
}
