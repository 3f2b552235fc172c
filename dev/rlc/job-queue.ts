import type { EpochMs } from "../../src/domain/time.ts";
import type { ClaimedJob, NackRequest } from "../../src/contracts/rlc.ts";

/** A job as it is put in: nothing of it is judged but its id, for judging it is the worker's duty. */
export interface QueuedJob {
  readonly id: string;
  /** 0 to 9, 0 is offered first. */
  readonly priority: number;
  readonly job: unknown;
}

/** How many jobs are in which state, and what became of the leases. */
export interface QueueStats {
  readonly waiting: number;
  readonly leased: number;
  readonly done: number;
  /** Refused for good. */
  readonly dead: number;
  readonly claims: number;
  readonly leases_ended: number;
  readonly nacks: Readonly<Record<string, number>>;
}

/** What became of an ack or a nack. */
export type AnswerVerdict = "taken" | "lease_lost" | "unknown";

type Standing =
  | { readonly is: "waiting"; readonly fromMs: EpochMs }
  | { readonly is: "leased"; readonly worker: string; readonly untilMs: EpochMs }
  | { readonly is: "done" | "dead" };

interface Entry extends QueuedJob {
  /** Age: the order in which jobs were put in. */
  readonly order: number;
  standing: Standing;
  /** Who answered last and what, so that the same answer may come twice. */
  lastAnswer: string | null;
}

const MAX_JOBS = 10_000;

/**
 * Jobs with leases, most urgent first, then oldest first. A lease that ends unanswered puts its job
 * back. An answer may be repeated; one without the lease changes nothing.
 */
export class JobQueue {
  #leaseMs: number;
  #entries = new Map<string, Entry>();
  #put = 0;
  #claims = 0;
  #leasesEnded = 0;
  #nacks: Record<string, number> = {};

  constructor(leaseMs: number) {
    this.#leaseMs = leaseMs;
  }

  /** Puts jobs in; an id that is known stays as it is. Throws when the queue is full. */
  put(jobs: readonly QueuedJob[], nowMs: EpochMs): void {
    for (const job of jobs) {
      if (this.#entries.has(job.id)) continue;
      if (this.#entries.size >= MAX_JOBS) this.#dropOldestEnded();
      this.#put += 1;
      this.#entries.set(job.id, {
        ...job,
        order: this.#put,
        standing: { is: "waiting", fromMs: nowMs },
        lastAnswer: null,
      });
    }
  }

  /** Leases up to `max` jobs to a worker. */
  claim(worker: string, max: number, nowMs: EpochMs): ClaimedJob[] {
    this.#claims += 1;
    this.#endLeases(nowMs);
    const open = [...this.#entries.values()].filter(
      ({ standing }) => standing.is === "waiting" && standing.fromMs <= nowMs,
    );
    return open
      .toSorted((a, b) => a.priority - b.priority || a.order - b.order)
      .slice(0, max)
      .map((entry) => {
        entry.standing = { is: "leased", worker, untilMs: nowMs + this.#leaseMs };
        return { id: entry.id, lease_ms: this.#leaseMs, job: entry.job };
      });
  }

  ack(id: string, worker: string, nowMs: EpochMs): AnswerVerdict {
    return this.#answer(id, worker, "ack", nowMs, () => ({ is: "done" }));
  }

  nack(id: string, { worker, reason, retry_after_ms: retryMs }: NackRequest, nowMs: EpochMs) {
    return this.#answer(id, worker, "nack", nowMs, () => {
      this.#nacks[reason] = (this.#nacks[reason] ?? 0) + 1;
      return retryMs === null ? { is: "dead" } : { is: "waiting", fromMs: nowMs + retryMs };
    });
  }

  stats(nowMs: EpochMs): QueueStats {
    this.#endLeases(nowMs);
    const counts = { waiting: 0, leased: 0, done: 0, dead: 0 };
    for (const { standing } of this.#entries.values()) counts[standing.is] += 1;
    return {
      ...counts,
      claims: this.#claims,
      leases_ended: this.#leasesEnded,
      nacks: { ...this.#nacks },
    };
  }

  #answer(
    id: string,
    worker: string,
    kind: "ack" | "nack",
    nowMs: EpochMs,
    next: () => Standing,
  ): AnswerVerdict {
    this.#endLeases(nowMs);
    const entry = this.#entries.get(id);
    if (entry === undefined) return "unknown";
    const { standing } = entry;
    const answer = `${kind} ${worker}`;
    if (standing.is !== "leased") return entry.lastAnswer === answer ? "taken" : "lease_lost";
    if (standing.worker !== worker) return "lease_lost";
    entry.standing = next();
    entry.lastAnswer = answer;
    return "taken";
  }

  #endLeases(nowMs: EpochMs): void {
    for (const entry of this.#entries.values()) {
      if (entry.standing.is !== "leased" || entry.standing.untilMs > nowMs) continue;
      this.#leasesEnded += 1;
      entry.standing = { is: "waiting", fromMs: nowMs };
      entry.lastAnswer = null;
    }
  }

  #dropOldestEnded(): void {
    for (const [id, { standing }] of this.#entries) {
      if (standing.is !== "done" && standing.is !== "dead") continue;
      this.#entries.delete(id);
      return;
    }
    throw new RangeError(`more than ${MAX_JOBS} jobs wait`);
  }
}
