import type { DurableObjectStorage } from "@cloudflare/workers-types";
import type {
  BackfillEnd,
  BackfillRun,
  HoleOrigin,
  ListedHole,
  OfferAnswer,
  OfferedHole,
  OpenCause,
} from "../contracts/backfill.ts";
import { MAX_JOB_SYMBOLS } from "../contracts/job-fields.ts";
import { type RangeSet, subtractRanges, unionRanges } from "../domain/range.ts";
import type { Tier } from "../domain/tier.ts";
import type { EpochMs, TimeRange } from "../domain/time.ts";
import { MINUTE_MS } from "../domain/time.ts";
import { DeadTable } from "./dead-table.ts";
import { type HeldHole, HoleTable } from "./hole-table.ts";
import { letterOf, listedHole, listedLetter } from "./hole-views.ts";
import { RunTable } from "./run-table.ts";
import { runWindow, type WindowRules } from "./run-window.ts";
import { putOff, type QueuedHole, type RetryPolicy, settleHole } from "./settle-hole.ts";

/** Bars that one job may bring: what one ingest takes in one go. */
const MAX_RUN_BARS = 20_000;
/** After so many implausible answers, one provider alone is believed about older history. */
const BELIEVED_ATTEMPTS = 2;

/** What a queue goes by; the configuration has it, and may change it while the queue runs. */
export interface QueueRules {
  readonly cap: number;
  readonly leaseMs: number;
  /** A dead letter that Postgres has not confirmed for this long is sent again. */
  readonly resendMs: number;
  readonly policy: RetryPolicy;
  readonly window: WindowRules;
}

/** What a queue decides by. */
export interface HoleQueueDeps {
  readonly storage: DurableObjectStorage;
  readonly tier: Tier;
  /** Read once in each act, and not kept. */
  readonly rules: () => QueueRules;
  readonly now: () => EpochMs;
  readonly random: () => number;
  readonly newId: () => string;
}

/** Symbols that one job may ask for over a window of this length. */
export function jobSymbols(interval: "1m" | "1d", windowMs: number): number {
  const minutes = interval === "1m" ? windowMs / MINUTE_MS : 1;
  return Math.max(1, Math.min(MAX_JOB_SYMBOLS, Math.floor(MAX_RUN_BARS / minutes)));
}

/** How many holes a job's end closed, and how many it was the end of. */
export interface RunEnd {
  readonly filled: number;
  readonly died: number;
}

/**
 * The holes of a tier as a queue on SQLite: merged, oldest first within their priority, leased to a job at
 * a time, given up after their attempts. Synchronous throughout: what is claimed is claimed in the turn that
 * found it.
 */
export class HoleQueue {
  readonly dead: DeadTable;
  #deps: HoleQueueDeps;
  #holes: HoleTable;
  #runs: RunTable;

  constructor(deps: HoleQueueDeps) {
    const { sql } = deps.storage;
    this.#deps = deps;
    this.#holes = new HoleTable(sql);
    this.#runs = new RunTable(sql);
    this.dead = new DeadTable(sql);
  }

  /**
   * Takes holes in their order up to the cap; answers how many. What it holds already, a hole or a part of
   * one, is taken and changes nothing.
   */
  offer(offered: readonly OfferedHole[], origin: HoleOrigin): OfferAnswer & { added: number } {
    return this.#transact(() => {
      let depth = this.depth();
      const hasDead = this.dead.count() > 0;
      let added = 0;
      for (const [taken, hole] of offered.entries()) {
        const held = this.#holes.touching(hole.symbol, hole.interval, hole);
        const { rest, revived } = this.#unknownPart(hole, held, origin, hasDead);
        const room = this.#deps.rules().cap - depth + revived;
        // Of a hole that falls into more parts than there is room for nothing is taken.
        if (rest.length > room) return { taken, added };
        if (revived > 0) this.dead.revive(hole.symbol, hole.interval, hole);
        depth -= revived;
        for (const [index, range] of rest.entries()) {
          const part = { ...hole, ...range, origin };
          // The part before may have changed what is held.
          const near = index === 0 ? held : this.#holes.touching(part.symbol, part.interval, part);
          depth += this.#put(part, near);
        }
        added += rest.length;
      }
      return { taken: offered.length, added };
    });
  }

  /** Holes and unconfirmed dead ones: what the cap bounds. */
  depth(): number {
    return this.#holes.count() + this.dead.count();
  }

  running(): number {
    return this.#runs.count();
  }

  oldestMs(): EpochMs | null {
    return this.#holes.oldestMs();
  }

  /** Claims the next job, or null when nothing may be tried now. */
  claim(): BackfillRun | null {
    return this.#transact(() => {
      const nowMs = this.#deps.now();
      for (;;) {
        const first = this.#holes.first(nowMs);
        if (first === null) return null;
        const window = runWindow(first.interval, first, this.#deps.rules().window);
        if (window !== null) return this.#lease(first, window, nowMs);
        // Only closed hours: there is nothing to fetch.
        this.#holes.delete(first.id);
      }
    });
  }

  /** Takes in how a job ended; null when its lease was over before, and nothing changes. */
  end(id: string, { open, cause }: BackfillEnd): RunEnd | null {
    return this.#transact(() => {
      const run = this.#runs.end(id);
      if (run === null) return null;
      const openOf = Map.groupBy(open, ({ symbol }) => symbol);
      let filled = 0;
      let died = 0;
      for (const hole of this.#holes.ofRun(id)) {
        const left = hullWithin(openOf.get(hole.symbol) ?? [], hole, run);
        if (left === null) filled += 1;
        if (this.#settle(hole, { window: run, open: left, cause })) died += 1;
      }
      return { filled, died };
    });
  }

  /** Frees the holes of jobs that nobody has ended in time. */
  expire(): number {
    const cause: OpenCause = {
      kind: "wait",
      reason: "lost",
      wide: false,
      error: "the job did not end in time",
    };
    const expired = this.#runs.expired(this.#deps.now());
    if (expired.length === 0) return 0;
    return this.#transact(() => {
      for (const run of expired) {
        this.#runs.end(run.id);
        for (const hole of this.#holes.ofRun(run.id))
          this.#settle(hole, { window: run, open: hullWithin([hole], hole, run), cause });
      }
      return expired.length;
    });
  }

  /** When there is something to do: a hole to try, a lease that ends. Null: never. */
  nextDueMs(): { readonly holeMs: EpochMs | null; readonly leaseMs: EpochMs | null } {
    return { holeMs: this.#holes.nextDueMs(), leaseMs: this.#runs.nextExpiryMs() };
  }

  /** The holes in the order of running, then the dead ones that are not confirmed. */
  list(offset: number, limit: number): ListedHole[] {
    const held = this.#holes.count();
    const leases = this.#runs.leases();
    const holes = this.#holes
      .page(offset, limit)
      .map((hole) => listedHole(hole, leases.get(hole.run ?? "")));
    const dead = this.dead.page(Math.max(0, offset - held), limit - holes.length).map(listedLetter);
    return [...holes, ...dead];
  }

  #lease(first: HeldHole, whole: TimeRange, nowMs: EpochMs): BackfillRun {
    const { tier, newId } = this.#deps;
    const limit = jobSymbols(first.interval, whole.endMs - whole.startMs);
    const others = this.#holes.beside(first, whole, nowMs, limit);
    const holes = [first, ...others.filter(({ id }) => id !== first.id)];
    // As far as one of them reaches: a hole of a minute asks for a minute.
    const window = {
      startMs: Math.max(whole.startMs, Math.min(...holes.map(({ startMs }) => startMs))),
      endMs: Math.min(whole.endMs, Math.max(...holes.map(({ endMs }) => endMs))),
    };
    const id = newId();
    this.#runs.begin({ id, ...window }, nowMs + this.#deps.rules().leaseMs);
    this.#holes.lease(
      holes.map((hole) => hole.id),
      id,
    );
    return {
      v: 1,
      id,
      tier,
      group: first.group,
      interval: first.interval,
      symbols: [...new Set(holes.map(({ symbol }) => symbol))],
      wanted: [
        ...new Set(holes.flatMap(({ symbol, origin }) => (origin === "gap" ? [] : [symbol]))),
      ],
      start_ms: window.startMs,
      end_ms: window.endMs,
      believes_alone: holes.every(({ attempts }) => attempts >= BELIEVED_ATTEMPTS),
    };
  }

  /**
   * Stores what became of a hole; answers whether it died. One that would fall into more parts than the cap has
   * room for is tried again as a whole.
   */
  #settle(hole: QueuedHole, run: Parameters<typeof settleHole>[1]): boolean {
    const { random, now } = this.#deps;
    const { policy, window, cap } = this.#deps.rules();
    const isFetchable = (range: TimeRange) => runWindow(hole.interval, range, window) !== null;
    const world = { policy, random, nowMs: now(), isFetchable };
    const parted = settleHole(hole, run, world);
    const parts = parted.kept.length + (parted.dead === null ? 0 : 1);
    const { kept, dead } =
      parts > 1 && this.depth() + parts - 1 > cap ? putOff(hole, world) : parted;
    const [first, ...more] = kept;
    if (first === undefined) this.#holes.delete(hole.id);
    else this.#holes.update(first);
    for (const part of more) this.#holes.insert(part);
    if (dead !== null) this.dead.put(letterOf(dead, this.#deps.tier, world.nowMs), world.nowMs);
    return dead !== null;
  }

  /**
   * What of a hole is neither held nor dead. What is requeued lives again, also where Postgres' word of its
   * letter got lost: then `revived` dead ones go. One that reaches beyond it has a letter of its own.
   */
  #unknownPart(
    hole: OfferedHole,
    held: readonly HeldHole[],
    origin: HoleOrigin,
    hasDead: boolean,
  ): { readonly rest: RangeSet; readonly revived: number } {
    const dead = hasDead ? this.dead.rangesOf(hole.symbol, hole.interval, hole) : [];
    const staying = dead.filter(
      ({ startMs, endMs }) => origin !== "requeue" || startMs < hole.startMs || endMs > hole.endMs,
    );
    const whole = [{ startMs: hole.startMs, endMs: hole.endMs }];
    return {
      rest: subtractRanges(whole, unionRanges(held, staying)),
      revived: dead.length - staying.length,
    };
  }

  /**
   * Adds a hole, as one with the waiting, untried ones of `held` that touch it; answers how many more there
   * are now.
   */
  #put(hole: OfferedHole & { readonly origin: HoleOrigin }, held: readonly HeldHole[]): number {
    const [first, ...others] = held.filter(
      (one) =>
        one.startMs <= hole.endMs &&
        one.endMs >= hole.startMs &&
        one.run === null &&
        one.attempts + one.waits === 0 &&
        one.priority === hole.priority &&
        one.origin === hole.origin,
    );
    if (first === undefined) {
      this.#holes.insert({ ...hole, ...this.#fresh() });
      return 1;
    }
    const parts = [hole, first, ...others];
    for (const { id } of others) this.#holes.delete(id);
    this.#holes.update({
      ...first,
      startMs: Math.min(...parts.map(({ startMs }) => startMs)),
      endMs: Math.max(...parts.map(({ endMs }) => endMs)),
      enqueuedMs: Math.min(first.enqueuedMs, ...others.map(({ enqueuedMs }) => enqueuedMs)),
    });
    return -others.length;
  }

  /** One transaction; what fails leaves the rows as they were, and what is known of them too. */
  #transact<T>(act: () => T): T {
    try {
      return this.#deps.storage.transactionSync(act);
    } catch (error) {
      this.#runs.reload();
      throw error;
    }
  }

  #fresh() {
    const nowMs = this.#deps.now();
    return { enqueuedMs: nowMs, attempts: 0, waits: 0, dueMs: nowMs, history: [] };
  }
}

/** From the first to the last open minute of a hole within a job's window; null when none is open. */
function hullWithin(
  open: readonly TimeRange[],
  hole: TimeRange,
  window: TimeRange,
): TimeRange | null {
  const lowMs = Math.max(hole.startMs, window.startMs);
  const highMs = Math.min(hole.endMs, window.endMs);
  const parts = open.filter(({ startMs, endMs }) => startMs < highMs && endMs > lowMs);
  if (parts.length === 0) return null;
  return {
    startMs: Math.max(lowMs, Math.min(...parts.map(({ startMs }) => startMs))),
    endMs: Math.min(highMs, Math.max(...parts.map(({ endMs }) => endMs))),
  };
}
