import {
  type BackfillEnd,
  backfillEndSchema,
  type BackfillRun,
  type HoleOrigin,
  type HolePage,
  type OfferAnswer,
  type OfferedHole,
  type OpenCause,
  type QueueStatus,
} from "../contracts/backfill.ts";
import { backoffMs } from "../domain/backoff.ts";
import type { EpochMs } from "../domain/time.ts";
import { floorToMinute, MINUTE_MS, SECOND_MS } from "../domain/time.ts";
import { InFlight } from "../platform/in-flight.ts";
import { errorText, log } from "../platform/log.ts";
import { MetricsReporter, type SendBatch } from "../platform/metric-batch.ts";
import { HoleQueue, type HoleQueueDeps } from "./hole-queue.ts";
import { type LetterPost, oneBatch, postLetters } from "./letter-post.ts";
import { QueueMeta } from "./queue-meta.ts";

/** Jobs of one queue that run at a time: the queues share the providers with the polls. */
const MAX_RUNNING = 4;
/** Credits are handed out for five seconds at a time: sooner there are none. */
const NO_CREDITS_PAUSE_MS = 5 * SECOND_MS;
/** While nobody can be asked, one job a minute at most finds out whether somebody can again. */
const AWAY_PAUSE = { baseMs: 7.5 * SECOND_MS, maxMs: MINUTE_MS };
/** Letters that are read at a time; what of them goes in one call depends on their size. */
const MAX_LETTERS = 100;
/** Letters whose group could not be told, or that could not be sent, are tried again after this long. */
const SEND_AGAIN_MS = MINUTE_MS;
/** Dead letters that may be requeued in a minute: what comes back comes in portions. */
const MAX_REQUEUES_A_MINUTE = 1_000;

/** What a queue needs of its object and of the rest of the service. */
export interface BackfillDeskDeps extends HoleQueueDeps, LetterPost {
  /** Brings the rules up to date: for what goes on after it has waited for others. */
  readonly renewRules: () => Promise<void>;
  /** The lowest version of the configuration that was acted by lately; null: none. */
  readonly configVersion: () => number | null;
  readonly keepAlive: (work: Promise<void>) => void;
  /** Runs a job in an invocation of its own. */
  readonly run: (run: BackfillRun) => Promise<BackfillEnd>;
  readonly report: SendBatch;
  /** Told when a job has ended: the next one may be due. */
  readonly onChange: () => void;
}

/**
 * The backfill queue of a tier as a process: it runs the jobs, pauses while there is nobody to ask, and
 * sends the letters of what died until Postgres confirms them.
 */
export class BackfillDesk {
  readonly inFlight: InFlight;
  #deps: BackfillDeskDeps;
  #queue: HoleQueue;
  #meta: QueueMeta;
  #metrics: MetricsReporter;
  #isSending = false;

  constructor(deps: BackfillDeskDeps) {
    this.#deps = deps;
    this.#queue = new HoleQueue(deps);
    this.#meta = new QueueMeta(deps.storage.sql);
    this.#metrics = new MetricsReporter(this.#meta.store.cell("metrics"), deps.report);
    this.inFlight = new InFlight(deps.keepAlive, (error) =>
      log("error", "backfill broke down", { tier: deps.tier, error: errorText(error) }),
    );
  }

  offer(holes: readonly OfferedHole[], origin: HoleOrigin): OfferAnswer {
    const { taken, added } = this.#queue.offer(holes, origin);
    const { tier } = this.#deps;
    this.#metrics.totals.add("backfill_jobs_enqueued_total", { tier }, added);
    if (added > 0) this.#metrics.keep();
    return { taken };
  }

  /** Starts whatever may be started, without awaiting it; answers when there is something to do next. */
  runDue(): EpochMs | null {
    this.#startDue();
    return this.nextDueMs();
  }

  #startDue(): void {
    const nowMs = this.#deps.now();
    const lost = this.#queue.expire();
    if (lost > 0) log("warn", "jobs were not ended in time", { tier: this.#deps.tier, lost });
    while (this.#canStart(nowMs)) {
      const run = this.#queue.claim();
      if (run === null) break;
      this.inFlight.track(this.#run(run));
    }
    const letterMs = this.#queue.dead.nextMs();
    if (letterMs !== null && letterMs <= nowMs && !this.#isSending) {
      this.#isSending = true;
      this.inFlight.track(this.#sendLetters());
    }
  }

  nextDueMs(): EpochMs | null {
    const { holeMs, leaseMs } = this.#queue.nextDueMs();
    const pauseMs = this.#meta.pause()?.untilMs ?? 0;
    const startMs =
      holeMs === null || this.#queue.running() >= MAX_RUNNING ? null : Math.max(holeMs, pauseMs);
    const letterMs = this.#isSending ? null : this.#queue.dead.nextMs();
    const due = [startMs, leaseMs, letterMs].filter((ms) => ms !== null);
    return due.length === 0 ? null : Math.min(...due);
  }

  status(): QueueStatus {
    const pause = this.#meta.pause();
    return {
      depth: this.#queue.depth(),
      cap: this.#deps.rules().cap,
      running: this.#queue.running(),
      unconfirmed: this.#queue.dead.count(),
      oldestMs: this.#queue.oldestMs(),
      pause: pause !== null && pause.untilMs > this.#deps.now() ? pause : null,
    };
  }

  list(after: number | null, limit: number): HolePage {
    const offset = after ?? 0;
    const holes = this.#queue.list(offset, limit);
    return { holes, next: holes.length < limit ? null : offset + limit };
  }

  confirmDead(deaths: Parameters<HoleQueue["dead"]["confirm"]>[0]): void {
    this.#queue.dead.confirm(deaths);
  }

  /** Hands out leave to requeue dead letters, so many a minute; `waitMs` for what was not granted. */
  takeRequeues(wanted: number): { granted: number; waitMs: number } {
    const nowMs = this.#deps.now();
    const minuteMs = floorToMinute(nowMs);
    const used = this.#meta.requeuesIn(minuteMs);
    const granted = Math.min(wanted, Math.max(MAX_REQUEUES_A_MINUTE - used, 0));
    this.#meta.setRequeues(minuteMs, used + granted);
    return { granted, waitMs: granted === wanted ? 0 : minuteMs + MINUTE_MS - nowMs };
  }

  /** Keeps the totals and reports them; gauges that nobody reports any more expire. */
  async report(): Promise<void> {
    const { tier, now } = this.#deps;
    const { totals } = this.#metrics;
    totals.set("backfill_queue_depth", { tier }, this.#queue.depth());
    totals.setSince("backfill_oldest_age_seconds", { tier }, this.#queue.oldestMs());
    const lateMs = Math.max(now() - (this.nextDueMs() ?? now()), 0);
    totals.set("object_alarm_late_seconds", { object: "BackfillQueue" }, lateMs / SECOND_MS);
    totals.set("config_version", { component: "backfill" }, this.#deps.configVersion());
    await this.#metrics.report();
  }

  #canStart(nowMs: EpochMs): boolean {
    return this.#queue.running() < MAX_RUNNING && (this.#meta.pause()?.untilMs ?? 0) <= nowMs;
  }

  async #run(run: BackfillRun): Promise<void> {
    let end: BackfillEnd;
    try {
      end = backfillEndSchema.parse(await this.#deps.run(run));
    } catch (error) {
      log("warn", "a backfill job broke down", { job: run.id, error: errorText(error) });
      const range = { startMs: run.start_ms, endMs: run.end_ms };
      end = {
        open: run.symbols.map((symbol) => ({ symbol, ...range })),
        cause: { kind: "wait", reason: "lost", wide: false, error: errorText(error) },
      };
    }
    await this.#deps.renewRules();
    const ended = this.#queue.end(run.id, end);
    if (ended !== null) {
      const { tier } = this.#deps;
      const count = (status: string, holes: number) =>
        this.#metrics.totals.add("backfill_jobs_completed_total", { tier, status }, holes);
      count("filled", ended.filled);
      count("dead", ended.died);
      this.#metrics.keep();
      this.#pause(end.cause);
    }
    this.#startDue();
    this.#deps.onChange();
  }

  /** A pause when nobody could be asked, longer each time; the first answer ends it. */
  #pause(cause: OpenCause | null): void {
    // A job that broke down has asked nobody: it says nothing of them.
    if (cause?.kind === "wait" && cause.reason === "lost") return;
    if (cause?.kind !== "wait" || !cause.wide) return this.#meta.setPause(null);
    const nowMs = this.#deps.now();
    const known = this.#meta.pause();
    // Jobs that ran side by side found out the same thing once.
    if (known !== null && known.untilMs > nowMs) return;
    const streak = (known?.streak ?? 0) + 1;
    const waitMs =
      cause.reason === "no_credits"
        ? NO_CREDITS_PAUSE_MS
        : Math.max(SECOND_MS, backoffMs(streak, AWAY_PAUSE, this.#deps.random));
    this.#meta.setPause({ untilMs: nowMs + waitMs, reason: cause.error || cause.reason, streak });
  }

  /** Tells the groups and sends the letters; both are repeated until Postgres confirms. */
  async #sendLetters(): Promise<void> {
    const { now } = this.#deps;
    const { dead } = this.#queue;
    const letters = oneBatch(dead.due(now(), MAX_LETTERS));
    const sent = await postLetters(letters, this.#deps);
    await this.#deps.renewRules();
    const kept = letters.filter((letter) => !sent.includes(letter));
    const idsOf = (some: readonly { readonly id: string }[]) => some.map(({ id }) => id);
    dead.sendAgainAt(idsOf(sent), now() + this.#deps.rules().resendMs);
    dead.sendAgainAt(idsOf(kept), now() + SEND_AGAIN_MS);
    this.#isSending = false;
    this.#startDue();
    this.#deps.onChange();
  }
}
