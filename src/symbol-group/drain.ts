import { type Flush, type LoggedFlush, parseFlush } from "../contracts/flush.ts";
import { backoffMs } from "../domain/backoff.ts";
import type { RefusedEntry } from "../postgres/park-store.ts";
import type { SqlFault } from "../postgres/sql-error.ts";
import { findRefused } from "./find-refused.ts";
import { type LogPosition, realign, type Realignment, type StoredPosition } from "./realign.ts";

/** One drain transaction carries at most this. */
const DRAIN_FLUSHES = 16;
const DRAIN_BYTES = 1_024 * 1_024;
const BACKOFF = { baseMs: 2_000, maxMs: 60_000 };
/** So many rows are parked in one drain at most: what refuses more is not the rows' fault. */
export const MAX_PARKED_ROWS = 10;
/** Somebody who moves Postgres to and fro meanwhile is not followed further in one drain. */
const MAX_REALIGNMENTS = 3;

/** The log that is drained, the mark of how far it is, and Postgres, which may reject. */
export interface DrainDeps {
  readonly read: (afterFs: number, limit: number, maxBytes: number) => LoggedFlush[];
  readonly position: () => LogPosition;
  readonly setDrained: (fs: number) => void;
  /** Stores consecutive flushes, save entries of a single one that are parked; drained up to `afterFs`. */
  readonly write: (
    flushes: readonly Flush[],
    afterFs: number,
    parked: readonly RefusedEntry[],
  ) => Promise<void>;
  /** Stores a flush and takes it back: rejects with `trial_good` when nothing is refused. */
  readonly tryOut: (flush: Flush) => Promise<void>;
  /** Where Postgres stands in this stream. */
  readonly stored: () => Promise<StoredPosition | null>;
  readonly classify: (error: unknown) => SqlFault;
  readonly random: () => number;
}

/** What a drain did beside storing. */
export interface DrainNotes {
  readonly parked: readonly RefusedEntry[];
  readonly realigned: readonly Realignment[];
}

/**
 * How a drain ended.
 * - `drained`: nothing is left.
 * - `retry`: Postgres could not be reached or refused for a reason that is not the data's; try again.
 * - `renew`: the stream has to begin a new epoch before anything can be stored.
 * - `stuck`: Postgres refuses what can't be parked: trying again cannot help.
 */
export type DrainResult = DrainNotes &
  (
    | { readonly kind: "drained" }
    | { readonly kind: "retry"; readonly afterMs: number; readonly fault: SqlFault }
    | { readonly kind: "renew"; readonly why: string; readonly stored: StoredPosition | null }
    | { readonly kind: "stuck"; readonly fault: SqlFault }
  );

/**
 * Sends the log to Postgres: in order, once, a batch a transaction. `attempt` counts failures so far. In doubt
 * it first finds out where Postgres stands, which an empty log would not.
 */
export async function drain(
  deps: DrainDeps,
  attempt: number,
  isInDoubt = false,
): Promise<DrainResult> {
  const run = new DrainRun(deps, attempt);
  const ended = isInDoubt ? await run.compare() : null;
  if (ended !== null) return ended;
  for (;;) {
    const result = await run.step();
    if (result !== null) return result;
  }
}

const UNREADABLE: SqlFault = {
  kind: "row_fault",
  sqlstate: null,
  storedFs: null,
  message: "a flush of the log cannot be read by this version",
};

/** One drain under way: what it has parked and how often it was realigned bounds it. */
class DrainRun {
  #deps: DrainDeps;
  #attempt: number;
  #parked: RefusedEntry[] = [];
  #realigned: Realignment[] = [];
  #limit = DRAIN_FLUSHES;

  constructor(deps: DrainDeps, attempt: number) {
    this.#deps = deps;
    this.#attempt = attempt;
  }

  /** Stores a batch, or finds out why not; null: go on. */
  async step(): Promise<DrainResult | null> {
    const { read, position } = this.#deps;
    const batch = readable(read(position().drainedFs, this.#limit, DRAIN_BYTES));
    if (batch === null) return this.#stuck(UNREADABLE);
    const [first] = batch;
    if (first === undefined) return { kind: "drained", ...this.#notes() };
    const fault = await this.#write(batch, []);
    if (fault === null) return null;
    switch (fault.kind) {
      case "retry":
        return this.#retry(fault);
      case "row_fault":
        // The batch is refused by one of its flushes: one at a time, until that one is found.
        if (batch.length > 1) this.#limit = 1;
        else return await this.#park(first);
        return null;
      case "already_drained":
      case "behind":
      case "stale_epoch":
        return await this.#realign(fault);
      case "trial_good":
        return this.#stuck(fault);
    }
  }

  async #write(batch: readonly Flush[], parked: readonly RefusedEntry[]): Promise<SqlFault | null> {
    const { write, position, setDrained } = this.#deps;
    const fault = await this.#faultOf(write(batch, position().drainedFs, parked));
    const last = batch.at(-1);
    if (fault === null && last !== undefined) setDrained(last.fs);
    return fault;
  }

  async #park(flush: Flush): Promise<DrainResult | null> {
    const left = MAX_PARKED_ROWS - this.#parked.length;
    const refused = await findRefused(
      flush,
      async (part) => {
        const fault = await this.#faultOf(this.#deps.tryOut(part));
        return fault?.kind === "trial_good" ? null : fault;
      },
      left,
    );
    if (refused.kind !== "found") {
      if (refused.kind === "failed") return this.#retry(refused.fault);
      const message = `more than ${MAX_PARKED_ROWS} rows are refused: ${refused.fault.message}`;
      return this.#stuck({ ...refused.fault, message });
    }
    const fault = await this.#write([flush], refused.entries);
    if (fault === null) {
      this.#parked.push(...refused.entries);
      this.#limit = DRAIN_FLUSHES;
      return null;
    }
    // Each part is good and the whole is not: no row is at fault.
    return fault.kind === "row_fault" ? this.#stuck(fault) : this.#retry(fault);
  }

  async #realign(fault: SqlFault): Promise<DrainResult | null> {
    if (this.#realigned.length === MAX_REALIGNMENTS) return this.#retry(fault);
    return await this.compare();
  }

  /** Goes to where Postgres stands; null: go on from there. */
  async compare(): Promise<DrainResult | null> {
    const { position, setDrained } = this.#deps;
    let stored: StoredPosition | null;
    try {
      stored = await this.#deps.stored();
    } catch (error) {
      return this.#retry(this.#deps.classify(error));
    }
    const act = realign(stored, position());
    if (act.kind === "skip" && act.toFs === position().drainedFs) return null;
    this.#realigned.push(act);
    if (act.kind === "renew") return { kind: "renew", why: act.why, stored, ...this.#notes() };
    setDrained(act.toFs);
    return null;
  }

  async #faultOf(work: Promise<void>): Promise<SqlFault | null> {
    try {
      await work;
      return null;
    } catch (error) {
      return this.#deps.classify(error);
    }
  }

  #retry(fault: SqlFault): DrainResult {
    const afterMs = backoffMs(this.#attempt, BACKOFF, this.#deps.random);
    return { kind: "retry", afterMs, fault, ...this.#notes() };
  }

  #stuck(fault: SqlFault): DrainResult {
    return { kind: "stuck", fault, ...this.#notes() };
  }

  #notes(): DrainNotes {
    return { parked: this.#parked, realigned: this.#realigned };
  }
}

function readable(logged: readonly LoggedFlush[]): Flush[] | null {
  try {
    return logged.map(({ payload }) => parseFlush(payload));
  } catch {
    return null;
  }
}
