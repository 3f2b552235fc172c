import type { BackfillRun, SymbolRange } from "../contracts/backfill.ts";
import type { CoverageCell, CoverageWindow } from "../contracts/coverage.ts";
import type { DailyAnswer } from "../contracts/daily-answer.ts";
import type { PollOutcome } from "../contracts/ingest.ts";
import type { GroupFetch } from "../contracts/group-fetch.ts";
import type { StreamClass } from "../contracts/flush.ts";
import type { QuotesParcel } from "../contracts/quotes.ts";
import type { PartEnd } from "../contracts/rlc-desk.ts";
import type { TaskOutcome } from "../contracts/tasks.ts";
import type { JobPart } from "../domain/cut-jobs.ts";
import { groupName } from "../domain/symbol.ts";
import type { EpochMs } from "../domain/time.ts";
import { MINUTE_MS } from "../domain/time.ts";
import { InFlight } from "../platform/in-flight.ts";
import { errorText, log } from "../platform/log.ts";
import { MetricsReporter } from "../platform/metric-batch.ts";
import type { MetricTotals } from "../platform/metric-totals.ts";
import type { FollowAnswer, KnownRoster, LogSlice, QuoteSnapshot } from "../stream/home-port.ts";
import type { Duty } from "./duty-store.ts";
import { DutyStore } from "./duty-store.ts";
import { FetchDuties, isFetchDuty } from "./fetch-duties.ts";
import { countDaily, countIngest, countQuotes, setGauges } from "./group-metrics.ts";
import { logIngest } from "./group-log.ts";
import { GroupReads } from "./group-reads.ts";
import { type GroupStatus, groupStatus } from "./group-status.ts";
import { HoleDesk, OFFER_DUTY } from "./hole-desk.ts";
import type { Ledger } from "./ledger.ts";
import { GroupMembers } from "./group-members.ts";
import { isTaskDuty, SERVICE_GROUP } from "./service-duties.ts";
import { ServiceTasks } from "./service-tasks.ts";
import type { StoredPosition } from "./realign.ts";
import type { StreamLog } from "./stream-log.ts";
import { StreamOutlet } from "./stream-outlet.ts";
import type { GroupHomeDeps } from "./group-home-deps.ts";

/** The host side looks after its streams this often while it has connections. */
const SWEEP_EVERY_MS = MINUTE_MS;
/** What is past every reader is dropped this often. */
const PRUNE_EVERY_MINUTES = 30;
/** Silence of quotes says nothing: a host asks again this often whether it missed some. */
const QUOTES_SILENCE_MS = 5 * MINUTE_MS;

/** The home side of a symbol group as a process: duties, jobs, ingest, drain, followers, reports. */
export class GroupHome {
  readonly metrics: MetricsReporter;
  readonly totals: MetricTotals;
  readonly inFlight: InFlight;
  /** Its side of the backfill queues. */
  readonly desk: HoleDesk;
  /** The tasks of the whole service; only group g00 has any. */
  readonly tasks: ServiceTasks;
  #deps: GroupHomeDeps;
  #ledger: Ledger;
  #duties: DutyStore;
  #fetches: FetchDuties;
  #outlets: Readonly<Record<StreamClass, StreamOutlet>>;
  #reads: GroupReads;
  #members: GroupMembers;

  constructor(deps: GroupHomeDeps) {
    this.#deps = deps;
    this.#ledger = deps.ledger;
    this.#duties = new DutyStore(deps.storage.sql);
    this.#fetches = new FetchDuties(deps, this.#duties, this.#ledger);
    const now = () => deps.market.now();
    const onAppended = () => this.#outlets.bars.publish();
    this.desk = new HoleDesk({ ...deps, duties: this.#duties, now, onAppended });
    const { meta } = this.#ledger;
    this.metrics = new MetricsReporter(meta.cell("metrics"), deps.report);
    this.totals = this.metrics.totals;
    this.tasks = new ServiceTasks({ ...deps, duties: this.#duties, meta, totals: this.totals });
    this.inFlight = new InFlight(deps.keepAlive, (error) =>
      this.#complain("background work failed", error),
    );
    this.#reads = new GroupReads(deps.group, this.#ledger);
    this.#outlets = {
      bars: this.#outletOf(this.#ledger.stream),
      quotes: this.#outletOf(deps.quotes.stream),
    };
    this.#members = new GroupMembers({ ...deps, onAppended });
  }

  async plan(scheduledMs: EpochMs, polls: boolean): Promise<void> {
    this.totals.set("object_alarm_late_seconds", { object: "SymbolGroup" }, this.#lateMs() / 1_000);
    await this.#members
      .refresh(scheduledMs)
      .catch((error: unknown) =>
        this.#complain("members could not be read; the known ones stay", error),
      );
    this.#fetches.plan(scheduledMs, polls);
    if (this.#deps.group === SERVICE_GROUP) this.tasks.plan(scheduledMs);
    if ((scheduledMs / MINUTE_MS) % PRUNE_EVERY_MINUTES === 0) {
      this.#ledger.prune(scheduledMs);
      this.#ledger.holes.forgetQueued();
    }
    // Each minute, also when nothing else happens: gauges of a group that lives must not expire.
    this.inFlight.track(this.#report());
    if (this.#ledger.roster.length === 0) return;
    this.desk.look();
    this.#outlets.bars.drainIfForgotten();
    this.#outlets.quotes.drainIfForgotten();
  }

  /** Takes parts of a coordinator's jobs; answers the ids of those that it did not take. */
  takeParts(parts: readonly JobPart[]): string[] {
    return this.#fetches.parts.plan(parts, this.#deps.market.now());
  }

  /** Starts what is due and frees what nobody answered; returns the next due instant. */
  runDue(): EpochMs | null {
    const nowMs = this.#deps.market.now();
    for (const lost of this.#duties.overdue(nowMs)) {
      log("warn", "a job was not answered", { group: this.#name(), duty: lost.name });
      if (isTaskDuty(lost.name)) this.tasks.lost(lost.name);
      else this.#tellEnd(this.#fetches.end(lost.name, false, nowMs));
    }
    for (const duty of this.#duties.due(nowMs)) this.#start(duty, nowMs);
    return this.nextDueMs();
  }

  nextDueMs(): EpochMs | null {
    return this.#duties.nextDueMs();
  }

  idle(): Promise<void> {
    return this.inFlight.idle();
  }

  planSweep(): void {
    this.#duties.plan("sweep", this.#deps.market.now() + SWEEP_EVERY_MS);
  }

  /** Takes in what a job brought; sending and draining come after it and are not awaited. */
  ingest(duty: string, outcome: PollOutcome, job?: string): void {
    const { ingested, partEnd } = this.#deps.storage.transactionSync(() => {
      const taken = this.#ledger.ingest(outcome);
      const answeredWhole = outcome.uncovered === 0;
      return {
        ingested: taken,
        partEnd: this.#fetches.end(duty, answeredWhole, this.#deps.market.now()),
      };
    });
    this.#tellEnd(partEnd);
    logIngest(this.#name(), this.#ledger.stream, { duty, job }, ingested);
    this.#deps.noteRunner(outcome.config_version);
    countIngest(this.totals, { duty, outcome, ingested, nowMs: this.#deps.market.now() });
    this.metrics.keep();
    if (ingested.appended > 0) {
      this.#outlets.bars.publish();
      this.desk.plan();
    }
    for (const failure of outcome.failures) {
      log("warn", "a provider failed", { group: this.#name(), duty, ...failure });
    }
  }

  /** Takes in what a queue's job brought; answers what of it is still open. */
  ingestBackfill(run: BackfillRun, outcome: PollOutcome): SymbolRange[] {
    this.ingest(`backfill:${run.id}`, outcome, run.id);
    const range = { startMs: run.start_ms, endMs: run.end_ms };
    return this.#ledger.holes.openOf(run.symbols, range);
  }

  /** The universe stands at this version: reads the members again unless they are of it already. */
  universeChanged(version: number): Promise<void> {
    return this.#members.universeChanged(version, this.#deps.market.now());
  }

  /** Takes in daily bars of the last sessions; older ones go to Postgres by themselves. */
  ingestDaily(answers: readonly DailyAnswer[]): void {
    const { stream } = this.#ledger;
    const { fs } = stream.head();
    const digests = this.#ledger.ingestDaily(answers);
    countDaily(this.totals, answers, digests);
    this.metrics.keep();
    if (stream.head().fs > fs) this.#outlets.bars.publish();
  }

  /** Takes in the quotes of a sweep; sending and draining come after it and are not awaited. */
  ingestQuotes(parcel: QuotesParcel): void {
    const ingested = this.#deps.quotes.ingest(parcel, this.#ledger.roster);
    logIngest(this.#name(), this.#deps.quotes.stream, { duty: "quotes" }, ingested);
    countQuotes(this.totals, ingested);
    if (ingested.appended > 0) this.#outlets.quotes.publish();
    if (ingested.dropped > 0) {
      const { dropped } = ingested;
      log("error", "quotes were dropped: the database is away", { group: this.#name(), dropped });
    }
  }

  /** A task of the whole service has ended; one that is not done comes again. */
  taskEnded(duty: string, outcome: TaskOutcome): void {
    this.tasks.ended(duty, outcome);
    this.#deps.noteRunner(outcome.config_version);
    // This group may have no members whose drain would report.
    this.inFlight.track(this.#report());
  }

  follow(streamClass: StreamClass, host: string, known: KnownRoster): FollowAnswer {
    const nowMs = this.#deps.market.now();
    const rosterEpoch = this.#ledger.stream.epoch();
    const rosterFrom = known.epoch === rosterEpoch ? known.length : 0;
    return {
      ...this.#outlets[streamClass].follow(host),
      rosterEpoch,
      roster: this.#reads.roster().slice(rosterFrom),
      rosterFrom,
      nextMs: streamClass === "bars" ? this.#ledger.nextFlushMs(nowMs) : nowMs + QUOTES_SILENCE_MS,
    };
  }

  readLog(streamClass: StreamClass, afterFs: number, maxBytes: number): LogSlice {
    return this.#outlets[streamClass].slice(afterFs, maxBytes);
  }

  /** The last quote of each symbol that has one, and where the stream of quotes stands with them. */
  latestQuotes(): QuoteSnapshot {
    return this.#deps.quotes.snapshot();
  }

  /** What may be read of the log, and of where it stands. */
  get reads(): GroupReads {
    return this.#reads;
  }

  coverage(windows: readonly CoverageWindow[]): CoverageCell[] {
    return this.#ledger.coverage(windows);
  }

  /** Raises the knowledge time that reads may pin, once everything is in Postgres; null: no members. */
  async horizon(asOf: EpochMs): Promise<EpochMs | null> {
    if (this.#ledger.roster.length === 0) return null;
    const { stream } = this.#ledger;
    const { oldestAsOf } = stream.backlog();
    if (oldestAsOf !== null) return oldestAsOf - 1;
    const { fs } = stream.head();
    const raised = stream.raiseAsOf(Math.min(asOf, this.#deps.market.now()));
    const stored = (await this.#deps.raiseStoredAsOf(stream.epoch(), fs, raised)) ?? 0;
    // Not taken: Postgres no longer stands where the log ends, so what it lost comes again first.
    if (stored < raised) this.#outlets.bars.compare();
    return Math.min(raised, stored);
  }

  status(): GroupStatus {
    const { group } = this.#deps;
    const beside = {
      group,
      connections: this.#deps.connections(),
      unserved: this.tasks.unserved(),
    };
    return groupStatus(beside, this.#ledger, [this.#outlets.bars, this.#outlets.quotes]);
  }

  #start(duty: Duty, nowMs: EpochMs): void {
    if (isFetchDuty(duty.name)) {
      const job = this.#fetches.job(duty, nowMs);
      if (job === null) return this.#tellEnd(this.#fetches.endEmpty(duty.name));
      this.#duties.start(duty.name, nowMs, nowMs + this.#fetches.patienceMs);
      return this.inFlight.track(this.#runJob(job));
    }
    if (isTaskDuty(duty.name)) return this.inFlight.track(this.tasks.start(duty, nowMs));
    this.#duties.finish(duty.name);
    if (duty.name === OFFER_DUTY) return this.inFlight.track(this.desk.offer());
    this.#outlets.bars.run(duty.name);
    this.#outlets.quotes.run(duty.name);
    if (duty.name === "sweep") this.inFlight.track(this.#sweep());
  }

  /** How long the first duty has waited for its alarm: asked by the tick, which would set a lost one again. */
  #lateMs(): number {
    const nowMs = this.#deps.market.now();
    return Math.max(nowMs - (this.nextDueMs() ?? nowMs), 0);
  }

  #tellEnd(end: PartEnd | null): void {
    if (end !== null) this.inFlight.track(this.#deps.reportPart(end));
  }

  /** A job that breaks down by itself frees its minutes at once instead of by running late. */
  async #runJob(job: GroupFetch): Promise<void> {
    try {
      await this.#deps.runJob(job);
    } catch (error) {
      this.#complain(`job ${job.id} broke down`, error);
      await this.#deps.renewRules();
      const uncovered = job.symbols.length;
      this.ingest(job.duty, { answers: [], calls: [], selected: [], failures: [], uncovered });
    }
  }

  async #sweep(): Promise<void> {
    if (this.#deps.connections() > 0) this.planSweep();
    try {
      await this.#deps.sweepHost();
    } finally {
      await this.#report();
    }
  }

  #outletOf(stream: StreamLog): StreamOutlet {
    return new StreamOutlet({
      ...this.#deps,
      sql: this.#deps.storage.sql,
      name: this.#name(),
      stream,
      roster: () => ({
        epoch: this.#ledger.stream.epoch(),
        length: this.#ledger.roster.length,
      }),
      duties: this.#duties,
      totals: this.totals,
      drain: { ...this.#deps.drain, stored: () => this.#deps.storedPosition(stream.class) },
      renew: (stored) => this.#renew(stream, stored),
      track: (work) => this.inFlight.track(work),
      complain: (message, error) => this.#complain(message, error),
      // Bars are drained each minute: what quotes have counted goes with their report.
      onDrained: async () => (stream.class === "bars" ? await this.#report() : this.metrics.keep()),
    });
  }

  /** Bars that Postgres may lack are fetched again; quotes that it lacks stay lost. */
  async #renew(stream: StreamLog, stored: StoredPosition | null): Promise<void> {
    if (stream.class === "quotes") return stream.renew(stored);
    const holes = await this.#deps.storedHoles();
    await this.#deps.renewRules();
    const renewal = this.#ledger.renew(stored, holes);
    const { epoch, fromMs, lost, days } = renewal;
    log("error", "the group began a new epoch", { group: this.#name(), epoch, fromMs, lost });
    this.desk.plan();
    this.inFlight.track(this.desk.offerDays(days));
  }

  async #report(): Promise<void> {
    setGauges(this.totals, {
      group: this.#name(),
      backlog: this.#ledger.stream.backlog(),
      connections: this.#deps.connections(),
      channels: this.#deps.channels(),
      configVersions: this.#deps.configVersions(),
    });
    await this.metrics.report();
  }

  #name(): string {
    return groupName(this.#deps.group);
  }

  #complain(message: string, error: unknown): void {
    log("error", message, { group: this.#name(), error: errorText(error) });
  }
}
