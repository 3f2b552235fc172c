import type { DurableObjectStorage } from "@cloudflare/workers-types";
import type { DailyAnswer } from "../contracts/daily-answer.ts";
import type { PollOutcome } from "../contracts/ingest.ts";
import type { GroupFetch } from "../contracts/group-fetch.ts";
import type { PartEnd } from "../contracts/rlc-desk.ts";
import type { Task, TaskOutcome } from "../contracts/tasks.ts";
import type { Calendar } from "../domain/calendar.ts";
import type { TierSizes } from "../domain/credit-reach.ts";
import type { JobPart } from "../domain/cut-jobs.ts";
import type { ListedMember } from "../domain/roster.ts";
import { groupName } from "../domain/symbol.ts";
import type { EpochMs } from "../domain/time.ts";
import { DAY_MS, MINUTE_MS } from "../domain/time.ts";
import type { MarketClock, WallClock } from "../platform/clocks.ts";
import { InFlight } from "../platform/in-flight.ts";
import { errorText, log } from "../platform/log.ts";
import { MetricTotals, type MetricTotalsJson } from "../platform/metric-totals.ts";
import type { FollowAnswer, KnownRoster, LogSlice } from "../stream/home-port.ts";
import type { ReplayPage, ReplayQuery } from "../stream/replay-page.ts";
import type { DrainDeps } from "./drain.ts";
import { DRAIN_DUTY, Drainer } from "./drainer.ts";
import type { Duty } from "./duty-store.ts";
import { DutyStore } from "./duty-store.ts";
import { FetchDuties, type FetchDutiesConfig, isFetchDuty } from "./fetch-duties.ts";
import { Followers, type FollowersDeps } from "./followers.ts";
import { countDaily, countIngest, setGauges } from "./group-metrics.ts";
import { GroupReads } from "./group-reads.ts";
import type { Ledger } from "./ledger.ts";
import { GroupMembers } from "./group-members.ts";
import { isTaskDuty, type PlannedTask, SERVICE_GROUP } from "./service-duties.ts";
import { ServiceTasks } from "./service-tasks.ts";

/** The host side looks after its streams this often while it has connections. */
const SWEEP_EVERY_MS = MINUTE_MS;
/** Beliefs are kept for five sessions: a week of days, and a long week-end. */
const BELIEF_HORIZON_MS = 9 * DAY_MS;
/** What is past every reader is dropped this often. */
const PRUNE_EVERY_MINUTES = 30;
const FOLLOW_RETRY_MS = 5_000;
/** What the home side of a group needs of its object and of the rest of the service. */
export interface GroupHomeDeps {
  readonly group: number;
  readonly storage: DurableObjectStorage;
  readonly ledger: Ledger;
  readonly calendar: Calendar;
  readonly fetches: FetchDutiesConfig;
  /** Closed sessions whose minutes and whose daily bars a new deployment fetches. */
  readonly coldStartSessions: { readonly "1m": number; readonly "1d": number };
  readonly market: MarketClock;
  readonly wall: WallClock;
  readonly random: () => number;
  readonly keepAlive: (work: Promise<void>) => void;
  /** Runs a job in an invocation of its own; it ends by calling `ingest` or `pollFailed`. */
  readonly runJob: (job: GroupFetch) => Promise<void>;
  /** Runs a task of the whole service in an invocation of its own; it ends by calling `taskEnded`. */
  readonly runTask: (task: Task) => Promise<void>;
  /** The tasks of the whole service that a cron tick makes due. */
  readonly planTasks: (tickMs: EpochMs) => readonly PlannedTask[];
  /** Tells group g00 how a part of a coordinator's jobs has ended. */
  readonly reportPart: (end: PartEnd) => Promise<void>;
  readonly loadMembers: () => Promise<readonly ListedMember[]>;
  readonly drain: Pick<DrainDeps, "write" | "classify">;
  readonly raiseStoredAsOf: (epoch: string, fs: number, asOf: EpochMs) => Promise<void>;
  readonly deliver: FollowersDeps["deliver"];
  readonly sweepHost: () => Promise<void>;
  readonly connections: () => number;
  readonly report: (totals: MetricTotalsJson) => Promise<void>;
}

/** How a group is doing, for readiness and for people. */
export interface GroupStatus {
  readonly group: number;
  readonly members: number;
  readonly tiers: TierSizes;
  readonly watermarkMs: EpochMs | null;
  readonly epoch: string;
  readonly headFs: number;
  readonly drainedFs: number;
  readonly undrainedOldestMs: EpochMs | null;
  readonly drainFault: string | null;
  readonly connections: number;
}

/** The home side of a symbol group as a process: duties, jobs, ingest, drain, followers, reports. */
export class GroupHome {
  readonly totals: MetricTotals;
  readonly inFlight: InFlight;
  #deps: GroupHomeDeps;
  #ledger: Ledger;
  #duties: DutyStore;
  #fetches: FetchDuties;
  #tasks: ServiceTasks;
  #followers: Followers;
  #drainer: Drainer;
  #reads: GroupReads;
  #members: GroupMembers;

  constructor(deps: GroupHomeDeps) {
    this.#deps = deps;
    this.#ledger = deps.ledger;
    this.#duties = new DutyStore(deps.storage.sql);
    this.#fetches = new FetchDuties(deps.fetches, this.#duties, this.#ledger);
    this.totals = new MetricTotals(JSON.parse(this.#ledger.meta.get("metrics") ?? "{}"));
    this.#tasks = new ServiceTasks({
      ...deps,
      daily: { calendar: deps.calendar, sessionsBack: deps.coldStartSessions["1d"] },
      duties: this.#duties,
      meta: this.#ledger.meta,
      totals: this.totals,
    });
    this.inFlight = new InFlight(deps.keepAlive, (error) =>
      this.#complain("background work failed", error),
    );
    this.#reads = new GroupReads(deps.group, this.#ledger);
    this.#members = new GroupMembers({
      ...deps,
      coldStartSessions: deps.coldStartSessions["1m"],
      onAppended: () => this.#publish(),
    });
    this.#drainer = new Drainer({
      ...deps,
      ...deps.drain,
      name: groupName(deps.group),
      duties: this.#duties,
      totals: this.totals,
    });
    this.#followers = new Followers({
      sql: deps.storage.sql,
      now: () => deps.market.now(),
      read: (fs, limit, bytes) => this.#ledger.log.readAfter(fs, limit, bytes),
      stream: () => ({
        home: deps.group,
        epoch: this.#ledger.epoch(),
        rosterLength: this.#ledger.roster.length,
      }),
      deliver: deps.deliver,
      onFailure: (host, error) => {
        this.#complain(`follower ${host} was not reached`, error);
        this.#duties.reschedule("follow", deps.market.now() + FOLLOW_RETRY_MS);
      },
    });
  }

  async plan(scheduledMs: EpochMs, polls: boolean): Promise<void> {
    await this.#members
      .refresh(scheduledMs)
      .catch((error: unknown) =>
        this.#complain("members could not be read; the known ones stay", error),
      );
    this.#fetches.plan(scheduledMs, this.#deps.market.now(), polls);
    if (this.#deps.group === SERVICE_GROUP) this.#tasks.plan(scheduledMs);
    if ((scheduledMs / MINUTE_MS) % PRUNE_EVERY_MINUTES === 0) this.#prune(scheduledMs);
    if (this.#drainer.isIdleWithBacklog()) this.#startDrain();
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
      if (isTaskDuty(lost.name)) this.#tasks.lost(lost.name);
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
  ingest(duty: string, outcome: PollOutcome): void {
    const { ingested, partEnd } = this.#deps.storage.transactionSync(() => ({
      ingested: this.#ledger.ingest(outcome),
      partEnd: this.#fetches.end(duty, outcome.uncovered === 0, this.#deps.market.now()),
    }));
    this.#tellEnd(partEnd);
    countIngest(this.totals, outcome, ingested);
    if (ingested.appended > 0) this.#publish();
    for (const failure of outcome.failures) {
      log("warn", "a provider failed", { group: this.#name(), duty, ...failure });
    }
  }

  /** The universe stands at this version: reads the members again unless they are of it already. */
  universeChanged(version: number): Promise<void> {
    return this.#members.universeChanged(version, this.#deps.market.now());
  }

  /** Reads the symbol lists now, unless that is under way; answers the name of the task. */
  startUniverseRefresh(): string {
    return this.#tasks.refreshUniverse(this.#deps.market.now());
  }

  /** Takes in daily bars of the last sessions; older ones go to Postgres by themselves. */
  ingestDaily(answers: readonly DailyAnswer[]): void {
    const { fs } = this.#ledger.head();
    const digests = this.#ledger.ingestDaily(answers);
    countDaily(this.totals, answers, digests);
    if (this.#ledger.head().fs === fs) return;
    this.#publish();
  }

  /** A task of the whole service has ended; one that is not done comes again. */
  taskEnded(duty: string, outcome: TaskOutcome): void {
    this.#tasks.ended(duty, outcome);
  }

  follow(host: string, known: KnownRoster): FollowAnswer {
    const head = this.#ledger.head();
    const epoch = this.#ledger.epoch();
    const rosterFrom = known.epoch === epoch ? known.length : 0;
    this.#followers.follow(host, head.fs);
    return {
      epoch,
      headFs: head.fs,
      headAt: head.asOf,
      oldestFs: this.#ledger.log.oldest()?.fs ?? head.fs + 1,
      roster: this.#reads.roster().slice(rosterFrom),
      rosterFrom,
      nextMs: this.#ledger.nextFlushMs(this.#deps.market.now()),
    };
  }

  readLog(afterFs: number, maxBytes: number): LogSlice {
    return this.#reads.slice(afterFs, maxBytes);
  }

  replay(query: ReplayQuery): ReplayPage {
    return this.#reads.replay(query);
  }

  /** Raises the knowledge time that reads may pin, once everything is in Postgres; null: no members. */
  async horizon(asOf: EpochMs): Promise<EpochMs | null> {
    if (this.#ledger.roster.length === 0) return null;
    const { oldestAsOf } = this.#drainer.backlog();
    if (oldestAsOf !== null) return oldestAsOf - 1;
    const { fs } = this.#ledger.head();
    const raised = this.#ledger.raiseAsOf(Math.min(asOf, this.#deps.market.now()));
    await this.#deps.raiseStoredAsOf(this.#ledger.epoch(), fs, raised);
    return raised;
  }

  status(): GroupStatus {
    return {
      group: this.#deps.group,
      members: this.#ledger.roster.length,
      tiers: this.#ledger.roster.tierSizes(),
      watermarkMs: this.#ledger.watermarkMs(),
      epoch: this.#ledger.epoch(),
      headFs: this.#ledger.head().fs,
      drainedFs: this.#ledger.drainedFs(),
      undrainedOldestMs: this.#drainer.backlog().oldestAsOf,
      drainFault: this.#ledger.meta.get("drain_fault") || null,
      connections: this.#deps.connections(),
    };
  }

  #start(duty: Duty, nowMs: EpochMs): void {
    if (isFetchDuty(duty.name)) {
      const job = this.#fetches.job(duty, nowMs);
      if (job === null) return this.#tellEnd(this.#fetches.endEmpty(duty.name));
      this.#duties.start(duty.name, nowMs, nowMs + this.#fetches.patienceMs);
      return this.inFlight.track(this.#runJob(job));
    }
    if (isTaskDuty(duty.name)) return this.inFlight.track(this.#tasks.start(duty, nowMs));
    this.#duties.finish(duty.name);
    if (duty.name === DRAIN_DUTY) this.#startDrain();
    if (duty.name === "follow") this.inFlight.track(this.#followers.pump());
    if (duty.name === "sweep") this.inFlight.track(this.#sweep());
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

  #publish(): void {
    this.inFlight.track(this.#followers.pump());
    this.#startDrain();
  }

  #startDrain(): void {
    const work = this.#drainer.start();
    if (work !== null) this.inFlight.track(work.then(() => this.#report()));
  }

  /** Keeps the totals, then reports them: a lost report costs nothing, the next carries the total. */
  async #report(): Promise<void> {
    setGauges(this.totals, {
      group: this.#name(),
      nowMs: this.#deps.market.now(),
      ledger: this.#ledger,
      backlog: this.#drainer.backlog(),
      connections: this.#deps.connections(),
    });
    this.#ledger.meta.set("metrics", JSON.stringify(this.totals));
    await this.#deps.report(this.totals.toJSON());
  }

  #prune(nowMs: EpochMs): void {
    const session = this.#deps.calendar.previousSession(nowMs);
    this.#ledger.prune(session.preOpenMs, session.openMs - BELIEF_HORIZON_MS);
  }

  #name(): string {
    return groupName(this.#deps.group);
  }

  #complain(message: string, error: unknown): void {
    log("error", message, { group: this.#name(), error: errorText(error) });
  }
}
