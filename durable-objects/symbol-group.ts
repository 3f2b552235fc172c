import { DurableObject } from "cloudflare:workers";
import { z } from "zod";
import { ActingConfig } from "../src/config/acting-config.ts";
import {
  type AuditMinutes,
  auditDateSchema,
  auditGroupsSchema,
  type AuditNote,
  type AuditRepair,
  auditRepairSchema,
  type AuditSums,
  type AuditWindow,
  auditWindowSchema,
  MAX_AUDIT_SYMBOLS,
} from "../src/contracts/audit.ts";
import {
  type CoverageCell,
  type CoverageWindow,
  coverageWindowsSchema,
} from "../src/contracts/coverage.ts";
import {
  type BackfillPlan,
  type BackfillRun,
  backfillRunSchema,
  type StoredRange,
  storedRangeSchema,
  type SymbolRange,
  symbolRangesSchema,
} from "../src/contracts/backfill.ts";
import { type CallOrigin, readOrigin } from "../src/contracts/call-origin.ts";
import { type DailyAnswer, dailyAnswerSchema } from "../src/contracts/daily-answer.ts";
import { type CalendarCheck, calendarCheckSchema } from "../src/contracts/calendar-check.ts";
import type { ConfigStamp, HeldConfig } from "../src/contracts/config-version.ts";
import type { StreamClass } from "../src/contracts/flush.ts";
import { type PollOutcome, pollOutcomeSchema } from "../src/contracts/ingest.ts";
import { type QuotesParcel, quotesParcelSchema } from "../src/contracts/quotes.ts";
import {
  claimEndSchema,
  jobPartSchema,
  type PartEnd,
  partEndSchema,
  type ReportedClaim,
  type RoundStart,
} from "../src/contracts/rlc-desk.ts";
import { type TaskOutcome, taskOutcomeSchema } from "../src/contracts/tasks.ts";
import type { JobPart } from "../src/domain/cut-jobs.ts";
import type { JobSourceAct, JobSourceState } from "../src/domain/job-source.ts";
import type { EpochMs } from "../src/domain/time.ts";
import { readSettings } from "../src/env.ts";
import { AlarmKeeper } from "../src/platform/alarm-keeper.ts";
import { marketClock, wallClock } from "../src/platform/clocks.ts";
import { migrateObject } from "../src/platform/object-migrations.ts";
import type {
  BarSnapshot,
  FollowAnswer,
  KnownRoster,
  LogSlice,
  QuoteSnapshot,
} from "../src/stream/home-port.ts";
import { refuseByTicket } from "../src/stream/ticket-admission.ts";
import type { Delivery, DeliveryAnswer } from "../src/stream/delivery.ts";
import type { GroupHome } from "../src/symbol-group/group-home.ts";
import type { GroupStatus } from "../src/symbol-group/group-status.ts";
import type { RlcDesk } from "../src/symbol-group/rlc-desk.ts";
import type { GroupHost } from "../src/stream/group-host.ts";
import type { ReplayPage, ReplayQuery } from "../src/stream/replay-page.ts";
import type { Position } from "../src/stream/token.ts";
import { SYMBOL_GROUP_SCHEMA } from "./sqlite/symbol-group-schema.ts";
import { groupWiring, type HomeWiring, type Wiring } from "./symbol-group-wiring.ts";

const NORMAL_CLOSURE = 1_000;
/** A duty that is due again at once would keep a driver for ever. */
const MAX_QUIET_ROUNDS = 100;

/**
 * The atom of one symbol group: its members, what is believed about their bars, the log of its
 * flushes, and the connections that are hosted here. A host-only instance (`h-weur-0`) is the atom of
 * its connections alone.
 *
 * Durable (SQLite): all of the home side, positions of followers, duties, burned tickets. Durable (attachments of
 * the sockets): subscriptions and positions of connections. May be lost: frames that wait to be sent
 * as one, caches; a client reads them again from its position.
 */
export class SymbolGroup extends DurableObject<Env> {
  #wiring: Wiring | null = null;
  #alarm: AlarmKeeper;
  #config: ActingConfig;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    migrateObject(ctx.storage, SYMBOL_GROUP_SCHEMA);
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair("ping", "pong"));
    this.#alarm = new AlarmKeeper(ctx.storage, () => this.#wiring?.process.nextDueMs() ?? null);
    this.#config = new ActingConfig(env);
    if (!readSettings(env).ok) return;
    this.#wiring = groupWiring(ctx, env, this.#config);
    this.#alarm.ensure();
  }

  /** Only WebSocket upgrades, already authorised by the Worker. */
  override async fetch(request: Request): Promise<Response> {
    if (request.headers.get("Upgrade")?.toLowerCase() !== "websocket")
      return new Response(null, { status: 426 });
    const { host, process, tickets } = this.#wired();
    await this.#config.renew();
    const refused = refuseByTicket(request, tickets, wallClock.now());
    if (refused !== null) return refused;
    const response = host.accept(request);
    process.planSweep();
    this.#alarm.ensure();
    return response;
  }

  override async alarm(): Promise<void> {
    this.#alarm.fired();
    await this.runDue();
  }

  override async webSocketMessage(socket: WebSocket, message: string | ArrayBuffer): Promise<void> {
    // Who is connected is served even while no configuration is known: frames hang on it for a hint alone.
    await this.#config.renew().catch(() => undefined);
    await this.#hostSide().receive(socket, message);
  }

  override async webSocketClose(socket: WebSocket): Promise<void> {
    this.#removeSocket(socket);
    // The other half of the handshake: without it a client waits for its own time-out.
    socket.close(NORMAL_CLOSURE);
  }

  override async webSocketError(socket: WebSocket): Promise<void> {
    this.#removeSocket(socket);
  }

  /** The cron tick: writes what this minute makes due, once a minute. `polls`: its poll is the group's to plan. */
  async plan(scheduledMs: EpochMs, polls = true, origin?: CallOrigin): Promise<void> {
    await this.#config.renew();
    const home = this.#homeSide();
    const { tracer } = this.#wired();
    await tracer.join(readOrigin(origin), "plan", () => home.plan(scheduledMs, polls));
    this.#alarm.ensure();
  }

  /** Parts of a coordinator's jobs; answers the ids of those that the group did not take. */
  async takeParts(parts: readonly JobPart[]): Promise<string[]> {
    return await this.#act((home) => home.takeParts(z.array(jobPartSchema).parse(parts)));
  }

  /** Starts whatever is due, without awaiting it, and says when the next duty is. */
  async runDue(): Promise<EpochMs | null> {
    await this.#config.renew();
    const { process, tracer } = this.#wired();
    const nextMs = tracer.begin(`alarm ${this.ctx.id.name}`, () => process.runDue(), "dropped");
    this.#alarm.ensure();
    return nextMs;
  }

  /**
   * Runs what is due until nothing is due or running any more: how a driver of stepped market time
   * moves an object. Answers the next due instant.
   */
  async runUntilQuiet(): Promise<EpochMs | null> {
    const { process } = this.#wired();
    for (let round = 0; round < MAX_QUIET_ROUNDS; round += 1) {
      await this.runDue();
      await process.idle();
      const nextMs = process.nextDueMs();
      if (nextMs === null || nextMs > marketClock.now()) return nextMs;
    }
    throw new Error("the group does not come to rest");
  }

  /** Takes in what a job brought, maybe nothing: beliefs and flushes in one transaction, all else after it. */
  async ingest(duty: string, outcome: PollOutcome, origin?: CallOrigin): Promise<void> {
    const brought = pollOutcomeSchema.parse(outcome);
    await this.#act((home, job) => home.ingest(duty, brought, job), origin);
  }

  /** Takes in daily bars of the last sessions; the same ones twice change nothing. */
  async ingestDaily(answers: readonly DailyAnswer[]): Promise<void> {
    await this.#act((home) => home.ingestDaily(z.array(dailyAnswerSchema).parse(answers)));
  }

  /** A task of the whole service has ended (group g00 only). */
  async taskEnded(duty: string, outcome: TaskOutcome): Promise<void> {
    await this.#act((home) => home.taskEnded(duty, taskOutcomeSchema.parse(outcome)));
  }

  /** A provider has said which days it trades (group g00 only, like the next one). */
  calendarChecked(check: CalendarCheck): void {
    this.#homeWiring().calendarBook.keep(calendarCheckSchema.parse(check));
  }

  /** What was said last; null when nobody was ever asked. */
  calendarCheck(): CalendarCheck | null {
    return this.#homeWiring().calendarBook.read();
  }

  /** A round with the rate-limit coordinator begins (group g00 only, like the next four). */
  rlcBegin(): RoundStart {
    return this.#deskSide().begin();
  }

  /** How the round's claim ended; answers what follows from it. */
  async rlcHeard(claim: ReportedClaim): Promise<JobSourceAct> {
    return await this.#act(() => this.#deskSide().hear(claimEndSchema.parse(claim)));
  }

  rlcAnswered(ids: readonly string[]): void {
    this.#deskSide().answered(z.array(z.string()).parse(ids));
  }

  /** A group has ended its part of a coordinator's jobs. */
  partEnded(end: PartEnd): void {
    this.#deskSide().partEnded(partEndSchema.parse(end));
  }

  /** Who is in charge of the polls. */
  jobSource(): JobSourceState {
    return this.#deskSide().jobSource();
  }

  /** What of a queue's job is to be asked for now. */
  async planBackfill(run: BackfillRun): Promise<BackfillPlan> {
    await this.#config.renew();
    return this.#homeSide().desk.planRun(backfillRunSchema.parse(run));
  }

  /** Takes in what a queue's job brought; answers what of it is still open. */
  async ingestBackfill(
    run: BackfillRun,
    outcome: PollOutcome,
    origin?: CallOrigin,
  ): Promise<SymbolRange[]> {
    const [ran, brought] = [backfillRunSchema.parse(run), pollOutcomeSchema.parse(outcome)];
    return await this.#act((home) => home.ingestBackfill(ran, brought), origin);
  }

  /** The history lane has stored these ranges. */
  async backfillStored(ranges: readonly StoredRange[]): Promise<void> {
    const stored = z.array(storedRangeSchema).parse(ranges);
    await this.#act(({ desk }) => desk.fillStored(stored));
  }

  /** Their queue gave these holes up: they are dead until somebody requeues or discards them. */
  async holesDied(ranges: readonly SymbolRange[]): Promise<void> {
    await this.#act(({ desk }) => desk.change("die", symbolRangesSchema.parse(ranges)));
  }

  /** Dead holes that are in their queue again. */
  async holesReopened(ranges: readonly SymbolRange[]): Promise<void> {
    await this.#act(({ desk }) => desk.change("reopen", symbolRangesSchema.parse(ranges)));
  }

  /** An operator gave these holes up for good: their minutes are unfillable. */
  async holesGivenUp(ranges: readonly SymbolRange[]): Promise<void> {
    await this.#act(({ desk }) => desk.change("giveUp", symbolRangesSchema.parse(ranges)));
  }

  /** The universe stands at this version; the members are those of it when this resolves. */
  async universeChanged(version: number): Promise<void> {
    await this.#config.renew();
    await this.#homeSide().universeChanged(version);
    this.#alarm.ensure();
  }

  /** Reads the providers' symbol lists now (group g00 only); answers the name of the task. */
  async startUniverseRefresh(): Promise<string> {
    return await this.#act(({ tasks }) => tasks.refreshUniverse(marketClock.now()));
  }

  /** Sums over what is believed of a session, once Postgres has all of it. */
  async auditSums(window: AuditWindow): Promise<AuditSums> {
    await this.#config.renew();
    return this.#homeSide().desk.audit.sums(auditWindowSchema.parse(window));
  }

  /** The same minute by minute, of a page of symbols at most. */
  async auditMinutes(window: AuditWindow, symbols: readonly string[]): Promise<AuditMinutes> {
    await this.#config.renew();
    const names = z.array(z.string()).max(MAX_AUDIT_SYMBOLS).parse(symbols);
    return this.#homeSide().desk.audit.minutes(auditWindowSchema.parse(window), names);
  }

  /** Asks again for what lacks in Postgres; null: something came in since that was found. */
  async auditRepair(repair: AuditRepair): Promise<number | null> {
    return await this.#act(({ desk }) => desk.repair(auditRepairSchema.parse(repair)));
  }

  /** Audits these groups now, save those that were asked for lately (group g00 only, like the next one). */
  async askAudit(date: string, groups: readonly number[]): Promise<void> {
    const [day, asked] = [auditDateSchema.parse(date), auditGroupsSchema.parse(groups)];
    await this.#act(({ tasks }) => tasks.askAudit(day, asked, marketClock.now()));
  }

  /** The last audits, newest first. */
  audits(): AuditNote[] {
    return this.#homeSide().tasks.audits();
  }

  /** Takes in the quotes of a sweep. */
  async ingestQuotes(parcel: QuotesParcel): Promise<void> {
    await this.#act((home) => home.ingestQuotes(quotesParcelSchema.parse(parcel)));
  }

  async follow(streamClass: StreamClass, host: string, known: KnownRoster): Promise<FollowAnswer> {
    await this.#config.renew();
    return this.#homeSide().follow(streamClass, host, known);
  }

  readLog(streamClass: StreamClass, afterFs: number, maxBytes: number): LogSlice {
    return this.#homeSide().readLog(streamClass, afterFs, maxBytes);
  }

  latestQuotes(): QuoteSnapshot {
    return this.#homeSide().latestQuotes();
  }

  latestBars(): BarSnapshot {
    return this.#homeSide().reads.latestBars();
  }

  locate(asOf: EpochMs): Position | null {
    return this.#homeSide().reads.locate(asOf);
  }

  drainPoint(epoch: string, maxFs: number): Position {
    return this.#homeSide().reads.drainPoint(epoch, maxFs);
  }

  async deliver(delivery: Delivery, origin?: CallOrigin): Promise<DeliveryAnswer> {
    // Nobody else wakes a host-only instance: each delivery looks whether its alarm was lost.
    this.#alarm.ensure();
    const { host, tracer } = this.#wired();
    return await tracer.join(readOrigin(origin), "deliver", () => host.deliver(delivery));
  }

  /** The knowledge time up to which reads of this group are repeatable, raised to `asOf` if it can be. */
  async horizon(asOf: EpochMs): Promise<EpochMs | null> {
    return this.#homeSide().horizon(asOf);
  }

  /** What is known of the minutes of some symbols, session by session; a page at most. */
  async coverage(windows: readonly CoverageWindow[]): Promise<CoverageCell[]> {
    await this.#config.renew();
    return this.#homeSide().coverage(coverageWindowsSchema.parse(windows));
  }

  replay(query: ReplayQuery): ReplayPage {
    return this.#homeSide().reads.replay(query);
  }

  status(): GroupStatus {
    return this.#homeSide().status();
  }

  /** Which configuration is held; first learns that another version is the active one. */
  async learnConfig(told: ConfigStamp | null): Promise<HeldConfig> {
    return await this.#config.learn(told);
  }

  #removeSocket(socket: WebSocket): void {
    const { host, process } = this.#wired();
    host.remove(socket);
    process.metrics.keep();
  }

  /** An act of the home side by the newest configuration: synchronous, its alarm armed in the same turn. */
  async #act<T>(act: (home: GroupHome, job?: string) => T, origin?: CallOrigin): Promise<T> {
    await this.#config.renew();
    const from = readOrigin(origin);
    const done = this.#wired().tracer.join(from, "ingest", () => act(this.#homeSide(), from.job));
    this.#alarm.ensure();
    return done;
  }

  #wired(): Wiring {
    if (this.#wiring === null) throw new Error("the service is not configured");
    return this.#wiring;
  }

  #homeWiring(): HomeWiring {
    const { home } = this.#wired();
    if (home === null) throw new TypeError(`${this.ctx.id.name} is home of no symbol`);
    return home;
  }

  #homeSide(): GroupHome {
    return this.#homeWiring().home;
  }

  #deskSide(): RlcDesk {
    return this.#homeWiring().desk;
  }

  #hostSide(): GroupHost {
    return this.#wired().host;
  }
}
