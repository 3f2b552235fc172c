import type { DurableObjectStorage } from "@cloudflare/workers-types";
import { parseFlush } from "../contracts/flush.ts";
import type { PollOutcome } from "../contracts/ingest.ts";
import type { BarsFetchJob } from "../contracts/jobs.ts";
import type { Calendar } from "../domain/calendar.ts";
import { groupName } from "../domain/symbol.ts";
import type { EpochMs } from "../domain/time.ts";
import { DAY_MS, MINUTE_MS } from "../domain/time.ts";
import type { MarketClock, WallClock } from "../platform/clocks.ts";
import { InFlight } from "../platform/in-flight.ts";
import { errorText, log } from "../platform/log.ts";
import { MetricTotals, type MetricTotalsJson } from "../platform/metric-totals.ts";
import { flushFrame } from "../stream/frames.ts";
import type { FollowAnswer, LogSlice } from "../stream/home-port.ts";
import type { ReplayPage, ReplayQuery } from "../stream/replay-page.ts";
import { type RosterEntry, viewOf, withSids, NO_SUBSCRIPTION } from "../stream/subscription.ts";
import { streamName } from "../stream/token.ts";
import { drain, type DrainDeps } from "./drain.ts";
import type { Duty } from "./duty-store.ts";
import { DutyStore } from "./duty-store.ts";
import {
  coldStartMs,
  FetchDuties,
  type FetchDutiesConfig,
  isFetchDuty,
  sessionAhead,
} from "./fetch-duties.ts";
import { Followers, type FollowersDeps } from "./followers.ts";
import { countIngest } from "./group-metrics.ts";
import type { Ledger } from "./ledger.ts";
import type { ListedMember } from "./member-store.ts";

/** The host side looks after its streams this often while it has connections. */
const SWEEP_EVERY_MS = MINUTE_MS;
/** Beliefs are kept for five sessions: a week of days, and a long week-end. */
const BELIEF_HORIZON_MS = 9 * DAY_MS;
/** What is past every reader is dropped this often. */
const PRUNE_EVERY_MINUTES = 30;
const FOLLOW_RETRY_MS = 5_000;
const STUCK_RETRY_MS = MINUTE_MS;

/** What the home side of a group needs of its object and of the rest of the service. */
export interface GroupHomeDeps {
  readonly group: number;
  readonly storage: DurableObjectStorage;
  readonly ledger: Ledger;
  readonly calendar: Calendar;
  readonly fetches: FetchDutiesConfig;
  readonly coldStartSessions: number;
  readonly market: MarketClock;
  readonly wall: WallClock;
  readonly random: () => number;
  readonly keepAlive: (work: Promise<void>) => void;
  /** Runs a job in an invocation of its own; it ends by calling `ingest` or `pollFailed`. */
  readonly runJob: (job: BarsFetchJob) => Promise<void>;
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
  #followers: Followers;
  #draining = false;

  constructor(deps: GroupHomeDeps) {
    this.#deps = deps;
    this.#ledger = deps.ledger;
    this.#duties = new DutyStore(deps.storage.sql);
    this.#fetches = new FetchDuties(deps.fetches, this.#duties, this.#ledger);
    this.totals = new MetricTotals(JSON.parse(this.#ledger.meta.get("metrics") ?? "{}"));
    this.inFlight = new InFlight(deps.keepAlive, (error) =>
      this.#complain("background work failed", error),
    );
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

  async plan(scheduledMs: EpochMs): Promise<void> {
    await this.#refreshMembers(scheduledMs);
    this.#fetches.plan(scheduledMs, this.#deps.market.now());
    if ((scheduledMs / MINUTE_MS) % PRUNE_EVERY_MINUTES === 0) this.#prune(scheduledMs);
    if (
      this.#ledger.log.backlog(this.#ledger.drainedFs()).flushes > 0 &&
      !this.#duties.has("drain")
    )
      this.#startDrain();
  }

  /** Starts what is due and frees what nobody answered; returns the next due instant. */
  runDue(): EpochMs | null {
    const nowMs = this.#deps.market.now();
    for (const lost of this.#duties.overdue(nowMs - this.#fetches.patienceMs)) {
      log("warn", "a job was not answered", {
        group: groupName(this.#deps.group),
        duty: lost.name,
      });
      this.#duties.finish(lost.name);
    }
    for (const duty of this.#duties.due(nowMs)) this.#start(duty, nowMs);
    return this.nextDueMs();
  }

  nextDueMs(): EpochMs | null {
    return this.#duties.nextDueMs(this.#fetches.patienceMs);
  }

  idle(): Promise<void> {
    return this.inFlight.idle();
  }

  planSweep(): void {
    this.#duties.plan("sweep", this.#deps.market.now() + SWEEP_EVERY_MS);
  }

  ingest(duty: string, outcome: PollOutcome): void {
    const ingested = this.#deps.storage.transactionSync(() => {
      const result = this.#ledger.ingest(outcome);
      this.#duties.finish(duty);
      return result;
    });
    countIngest(this.totals, outcome, ingested);
    if (ingested.appended > 0) {
      this.inFlight.track(this.#followers.pump());
      this.#startDrain();
    }
    for (const failure of outcome.failures) {
      log("warn", "a provider failed", { group: groupName(this.#deps.group), duty, ...failure });
    }
  }

  follow(host: string, knownRoster: number): FollowAnswer {
    const head = this.#ledger.head();
    this.#followers.follow(host, head.fs);
    return {
      epoch: this.#ledger.epoch(),
      headFs: head.fs,
      headAt: head.asOf,
      oldestFs: this.#ledger.log.oldest()?.fs ?? head.fs + 1,
      roster: this.roster().slice(knownRoster),
      nextMs: this.#ledger.nextFlushMs(this.#deps.market.now()),
    };
  }

  readLog(afterFs: number, maxBytes: number): LogSlice {
    const flushes = this.#ledger.log.readAfter(afterFs, 1_000, maxBytes);
    return { epoch: this.#ledger.epoch(), headFs: this.#ledger.head().fs, flushes };
  }

  roster(): RosterEntry[] {
    return this.#ledger.roster.members.map(({ symbol, sid }) => ({ symbol, sid }));
  }

  /** Raises the knowledge time that reads may pin, once everything is in Postgres; null: no members. */
  async horizon(asOf: EpochMs): Promise<EpochMs | null> {
    if (this.#ledger.roster.length === 0) return null;
    const head = this.#ledger.head();
    if (this.#ledger.drainedFs() < head.fs) return this.#drainedAsOf();
    const raised = this.#ledger.raiseAsOf(Math.min(asOf, this.#deps.market.now()));
    await this.#deps.raiseStoredAsOf(this.#ledger.epoch(), head.fs, raised);
    return raised;
  }

  replay(query: ReplayQuery): ReplayPage {
    const { log: flushes } = this.#ledger;
    const oldest = flushes.oldest();
    const epoch = this.#ledger.epoch();
    const head = this.#ledger.head();
    const { from } = query;
    const sameEpoch = from.kind === "time" || from.epoch === epoch;
    const afterFs = from.kind === "position" && sameEpoch ? from.fs : 0;
    const page =
      from.kind === "time"
        ? flushes.readSince(from.sinceMs, query.limit, query.maxBytes)
        : flushes.readAfter(afterFs, query.limit, query.maxBytes);
    const view = viewOf(this.#subscriptionTo(query.symbols), this.roster());
    const frames = page.map((logged) => ({
      flush: parseFlush(logged.payload),
      fs: logged.fs,
      at: logged.asOf,
    }));
    const truncated =
      from.kind === "time"
        ? oldest !== null && oldest.fs > 1 && oldest.asOf > from.sinceMs
        : !sameEpoch || from.fs > head.fs || (oldest !== null && oldest.fs > afterFs + 1);
    const joinFs = (page.at(-1)?.fs ?? head.fs) + 1;
    return {
      stream: streamName(this.#deps.group),
      epoch,
      frames:
        view === null
          ? []
          : frames.map(({ flush, fs, at }) => ({
              fs,
              at,
              text: flushFrame(flush, view, true).text,
            })),
      oldestAt: oldest?.asOf ?? null,
      truncated,
      joinFs,
      complete: joinFs > head.fs,
    };
  }

  status(): GroupStatus {
    const head = this.#ledger.head();
    const drainedFs = this.#ledger.drainedFs();
    return {
      group: this.#deps.group,
      members: this.#ledger.roster.length,
      watermarkMs: this.#ledger.watermarkMs(),
      epoch: this.#ledger.epoch(),
      headFs: head.fs,
      drainedFs,
      undrainedOldestMs: this.#ledger.log.backlog(drainedFs).oldestAsOf,
      drainFault: this.#ledger.meta.get("drain_fault") || null,
      connections: this.#deps.connections(),
    };
  }

  #start(duty: Duty, nowMs: EpochMs): void {
    if (isFetchDuty(duty.name)) {
      const job = this.#fetches.job(duty, nowMs);
      if (job === null) return this.#duties.finish(duty.name);
      this.#duties.start(duty.name, nowMs);
      return this.inFlight.track(this.#runJob(job));
    }
    this.#duties.finish(duty.name);
    if (duty.name === "drain") this.#startDrain();
    if (duty.name === "follow") this.inFlight.track(this.#followers.pump());
    if (duty.name === "sweep") this.inFlight.track(this.#sweep());
  }

  /** A job that breaks down by itself frees its minutes at once instead of by running late. */
  async #runJob(job: BarsFetchJob): Promise<void> {
    try {
      await this.#deps.runJob(job);
    } catch (error) {
      this.#complain(`job ${job.id} broke down`, error);
      this.ingest(job.duty, {
        answers: [],
        calls: [],
        selected: [],
        failures: [],
        uncovered: job.symbols.length,
      });
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

  async #refreshMembers(nowMs: EpochMs): Promise<void> {
    const ahead = sessionAhead(this.#deps.calendar, nowMs);
    if (this.#ledger.meta.get("members_date") === ahead.date) return;
    try {
      const listed = await this.#deps.loadMembers();
      // An empty list may be a universe that is not there yet: never a reason to drop all, and asked
      // for again while the market is open (an idle database is left asleep at night).
      if (listed.length === 0) {
        if (nowMs < ahead.openMs) this.#ledger.meta.set("members_date", ahead.date);
        return;
      }
      this.#ledger.replaceMembers(
        listed,
        coldStartMs(this.#deps.calendar, nowMs, this.#deps.coldStartSessions),
      );
      this.#ledger.meta.set("members_date", ahead.date);
    } catch (error) {
      this.#complain("members could not be read; the known ones stay", error);
    }
  }

  #startDrain(): void {
    if (this.#draining) return;
    this.#draining = true;
    this.inFlight.track(this.#drain());
  }

  async #drain(): Promise<void> {
    const attempt = this.#ledger.meta.getNumber("drain_attempt") ?? 0;
    // Free again in the turn that found the log empty: what is appended next starts a new drain.
    const result = await drain(
      {
        ...this.#deps.drain,
        write: (flushes) => this.#timedWrite(flushes),
        read: (fs, limit, bytes) => this.#ledger.log.readAfter(fs, limit, bytes),
        drainedFs: () => this.#ledger.drainedFs(),
        setDrained: (fs) => this.#ledger.setDrained(fs),
        random: this.#deps.random,
      },
      attempt,
    ).finally(() => (this.#draining = false));
    this.#ledger.meta.set("drain_attempt", result.kind === "retry" ? attempt + 1 : 0);
    this.#ledger.meta.set("drain_fault", result.kind === "stuck" ? result.fault.message : "");
    if (result.kind !== "drained") {
      const afterMs = result.kind === "retry" ? result.afterMs : STUCK_RETRY_MS;
      this.#duties.reschedule("drain", this.#deps.market.now() + afterMs);
      const { kind, sqlstate, message } = result.fault;
      log("warn", "the drain did not finish", {
        group: groupName(this.#deps.group),
        kind,
        sqlstate,
        message,
      });
    }
    await this.#report();
  }

  async #timedWrite(flushes: Parameters<DrainDeps["write"]>[0]): Promise<void> {
    const startedMs = this.#deps.wall.now();
    await this.#deps.drain.write(flushes);
    this.totals.observe(
      "write_batch_ms",
      { table: "candles_intraday" },
      this.#deps.wall.now() - startedMs,
    );
  }

  /** Keeps the totals, then reports them: a lost report costs nothing, the next carries the total. */
  async #report(): Promise<void> {
    const nowMs = this.#deps.market.now();
    const backlog = this.#ledger.log.backlog(this.#ledger.drainedFs());
    this.totals.set(
      "ws_clients_gauge",
      { group: groupName(this.#deps.group) },
      this.#deps.connections(),
    );
    this.totals.set("undrained_flushes", {}, backlog.flushes);
    this.totals.set(
      "undrained_oldest_seconds",
      {},
      backlog.oldestAsOf === null ? 0 : (nowMs - backlog.oldestAsOf) / 1_000,
    );
    const hole = this.#ledger.lowestHoleMs(nowMs);
    const tiers = new Set(this.#ledger.roster.members.map((member) => member.tier));
    for (const tier of tiers) {
      this.totals.set(
        "ingestion_lag_seconds",
        { tier, interval: "1m" },
        hole === null ? null : (nowMs - hole) / 1_000,
      );
    }
    this.#ledger.meta.set("metrics", JSON.stringify(this.totals));
    await this.#deps.report(this.totals.toJSON());
  }

  #prune(nowMs: EpochMs): void {
    const session = this.#deps.calendar.previousSession(nowMs);
    this.#ledger.prune(session.preOpenMs, session.openMs - BELIEF_HORIZON_MS);
  }

  #drainedAsOf(): EpochMs {
    const oldest = this.#ledger.log.backlog(this.#ledger.drainedFs()).oldestAsOf;
    return oldest === null ? this.#ledger.head().asOf : oldest - 1;
  }

  #subscriptionTo(symbols: readonly string[] | null) {
    if (symbols === null) return { ...NO_SUBSCRIPTION, star: true };
    const wanted = new Set(symbols);
    const sids = this.#ledger.roster.members
      .filter((member) => wanted.has(member.symbol))
      .map((member) => member.sid);
    return withSids(NO_SUBSCRIPTION, sids);
  }

  #complain(message: string, error: unknown): void {
    log("error", message, { group: groupName(this.#deps.group), error: errorText(error) });
  }
}
