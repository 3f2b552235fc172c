import type { DurableObjectStorage } from "@cloudflare/workers-types";
import type { SymbolRange } from "../contracts/backfill.ts";
import type { CoverageCell, CoverageWindow } from "../contracts/coverage.ts";
import type { DailyAnswer } from "../contracts/daily-answer.ts";
import type { Flush } from "../contracts/flush.ts";
import type { IngestAnswer, PollOutcome } from "../contracts/ingest.ts";
import { beliefsKeptFrom } from "../domain/belief-horizon.ts";
import type { ListedMember, Roster } from "../domain/roster.ts";
import type { EpochMs } from "../domain/time.ts";
import { DAY_MS, floorToMinute, MINUTE_MS } from "../domain/time.ts";
import { firstExpectedMinute, type GroupView } from "../domain/watermark.ts";
import { AuditDesk } from "./audit-desk.ts";
import { BeliefStore } from "./belief-store.ts";
import { readCoverage } from "./coverage-reads.ts";
import { type DailyDigest, digestDaily } from "./daily-digest.ts";
import { digest, type Digest, type FlushDraft, type GroupState } from "./digest.ts";
import { FetchScope } from "./fetch-scope.ts";
import { GroupHoles } from "./group-holes.ts";
import type { GroupRules } from "./group-rules.ts";
import { MAX_UNDRAINED_BYTES } from "./flush-log.ts";
import { HoleStore } from "./hole-store.ts";
import { MemberStore } from "./member-store.ts";
import type { MetaStore } from "../platform/meta-store.ts";
import { RateBook } from "./rate-book.ts";
import { evidenceEvents, mainAnswer, sourceChange, sourceName } from "./source-events.ts";
import type { StoredPosition } from "./realign.ts";
import { type Renewal, type RenewalDeps, renewGroup } from "./renewal.ts";
import { StreamLog } from "./stream-log.ts";

/** Daily bars are complete before this `ts`. */
const WATERMARK_1D = "watermark_1d_ms";

/** What a ledger needs: the object's storage, the rules, and sources of time and chance. */
export interface LedgerDeps {
  readonly storage: DurableObjectStorage;
  readonly group: number;
  readonly rules: () => GroupRules;
  readonly now: () => EpochMs;
  readonly random: () => number;
}

/** What an ingest did: for metrics and for what follows it. */
export interface Ingested {
  readonly appended: number;
  readonly digests: readonly Digest[];
}

/**
 * The home side of a symbol group: beliefs, holes, watermark and the log, always moved together in
 * one transaction. Synchronous throughout, so nothing can come between reading and appending.
 */
export class Ledger {
  readonly stream: StreamLog;
  /** What its fetches are made from. */
  readonly scope: FetchScope;
  /** Its holes beside the answers that open and fill them. */
  readonly holes: GroupHoles;
  /** Its side of an audit against Postgres. */
  readonly audit: AuditDesk;
  #deps: LedgerDeps;
  #beliefs: BeliefStore;
  #holes: HoleStore;
  #members: MemberStore;
  #rates: RateBook;
  #roster: Roster;

  constructor(deps: LedgerDeps) {
    const { sql } = deps.storage;
    this.#deps = deps;
    this.stream = new StreamLog({ ...deps, sql, class: "bars" });
    this.#beliefs = new BeliefStore(sql);
    this.#holes = new HoleStore(sql);
    this.#members = new MemberStore(sql);
    this.#rates = new RateBook(sql);
    this.#roster = this.#members.read();
    this.scope = new FetchScope({
      group: deps.group,
      view: () => this.#view(),
      rates: this.#rates,
    });
    this.holes = new GroupHoles({
      ...deps,
      store: this.#holes,
      beliefs: this.#beliefs,
      view: () => this.#view(),
      watermarkMs: () => this.watermarkMs(),
      setWatermarkMs: (watermarkMs) => this.meta.set("watermark_ms", watermarkMs),
      append: (draft) => this.#append(draft, 0),
    });
    this.audit = new AuditDesk({
      ...deps,
      stream: this.stream,
      beliefs: this.#beliefs,
      holes: this.holes,
      view: () => this.#view(),
      keptFromMs: () => this.keptFromMs(),
    });
  }

  get roster(): Roster {
    return this.#roster;
  }

  /** Small facts of the group. */
  get meta(): MetaStore {
    return this.stream.meta;
  }

  /**
   * Before it every expected minute is complete or stands in an open hole; null while the group has no
   * members.
   */
  watermarkMs(): EpochMs | null {
    return this.meta.getNumber("watermark_ms");
  }

  /**
   * Takes the universe's list of members; who comes to be owed minutes is owed them from `sinceMs`, and
   * what of that lies behind the watermark is a hole. The open holes of those who are owed none any more
   * end. Answers how many flushes that made.
   */
  replaceMembers(listed: readonly ListedMember[], sinceMs: EpochMs): number {
    const before = this.stream.head().fs;
    try {
      this.#deps.storage.transactionSync(() => {
        const known = this.#roster;
        const reusedMs = Math.max(sinceMs, this.watermarkMs() ?? 0);
        this.#members.replace(listed, known, { joinedMs: sinceMs, reusedMs });
        this.#roster = this.#members.read();
        // While nothing is owed the watermark stands still: no need to pass over that time.
        if (!known.hasPolled() && listed.length > 0) this.meta.set("watermark_ms", sinceMs);
        this.holes.endUnexpected();
        const owedFrom = this.#roster.members.map(({ slot }) => this.#roster.expectedFrom(slot));
        const joined = owedFrom.filter(
          (fromMs, slot) => fromMs !== null && fromMs !== known.expectedFrom(slot),
        );
        if (joined.some((fromMs) => fromMs !== null && fromMs < (this.watermarkMs() ?? 0)))
          this.holes.look(sinceMs);
      });
    } finally {
      this.#roster = this.#members.read();
    }
    return this.stream.head().fs - before;
  }

  /**
   * Takes in what a job brought. Throws when the undrained log has reached its bound: nothing is
   * lost by that, the minutes stay open and are asked for again.
   */
  ingest(outcome: PollOutcome): Ingested {
    if (this.#roster.length === 0) return { appended: 0, digests: [] };
    return this.#deps.storage.transactionSync(() => {
      this.#refuseWhenFull();
      const before = this.stream.head().fs;
      const main = mainAnswer(outcome);
      const digests = outcome.answers.map((answer) =>
        this.#take(answer, answer === main ? outcome : null),
      );
      if (outcome.answers.length === 0) digests.push(this.#take(null, null));
      return { appended: this.stream.head().fs - before, digests };
    });
  }

  /** Takes in daily bars, in flushes of their own. Throws as `ingest` does. */
  ingestDaily(answers: readonly DailyAnswer[]): DailyDigest[] {
    if (this.#roster.length === 0) return [];
    return this.#deps.storage.transactionSync(() => {
      this.#refuseWhenFull();
      return answers.map((answer) => this.#takeDaily(answer));
    });
  }

  /** When the flush of the first minute that is expected to end after `nowMs` is late. */
  nextFlushMs(nowMs: EpochMs): EpochMs {
    const { calendar, nextDelayMs } = this.#deps.rules();
    return firstExpectedMinute(calendar, floorToMinute(nowMs)) + MINUTE_MS + nextDelayMs;
  }

  /** Begins a new epoch: Postgres, which stands at `stored`, and the log do not fit any more. */
  renew(stored: StoredPosition | null, storedHoles: readonly SymbolRange[]): Renewal {
    const deps: RenewalDeps = {
      ...this.#deps,
      stream: this.stream,
      beliefs: this.#beliefs,
      holes: this.holes,
      view: () => this.#view(),
      keptFromMs: () => this.keptFromMs(),
      appendGaps: (gaps) => this.#append({ gaps: [...gaps] }, 0),
    };
    return renewGroup(deps, stored, storedHoles);
  }

  /** Drops what is past every reader of the log, and beliefs behind their horizon. */
  prune(nowMs: EpochMs): void {
    const { calendar } = this.#deps.rules();
    this.stream.log.prune(this.stream.drainedFs(), calendar.previousSession(nowMs).preOpenMs);
    this.#beliefs.prune("1m", beliefsKeptFrom(calendar, nowMs, this.watermarkMs()));
    this.#beliefs.prune("1d", beliefsKeptFrom(calendar, nowMs, null) - DAY_MS);
  }

  /** What is known of the minutes of some symbols in windows of sessions. */
  coverage(windows: readonly CoverageWindow[]): CoverageCell[] {
    return readCoverage(windows, this.#view(), this.keptFromMs(), this.#deps.now());
  }

  /** From where on there are beliefs: older minutes are in Postgres alone. */
  keptFromMs(): EpochMs {
    return beliefsKeptFrom(this.#deps.rules().calendar, this.#deps.now(), this.watermarkMs());
  }

  #take(answer: IngestAnswer | null, told: PollOutcome | null): Digest {
    const nowMs = this.#deps.now();
    const holes = this.#holes.read();
    const state: GroupState = { ...this.#view(), watermarkMs: this.watermarkMs() ?? nowMs, holes };
    const result = digest(answer, state, nowMs);
    if (answer !== null) {
      result.drafts[0]?.source.push(...evidenceEvents(answer, result.evidence));
    }
    if (answer !== null && told !== null) this.#tellSource(answer, told, result);
    for (const minute of result.minutes) this.#beliefs.write("1m", minute.ts, minute.beliefs);
    this.#rates.learn(result.minutes, this.#roster, state.calendar);
    this.#holes.write(holes.changes());
    this.meta.set("watermark_ms", result.watermarkMs);
    for (const draft of result.drafts) this.#append(draft, answer?.receivedAt ?? 0);
    return result;
  }

  #takeDaily(answer: DailyAnswer): DailyDigest {
    const result = digestDaily(answer, {
      roster: this.#roster,
      calendar: this.#deps.rules().calendar,
      beliefsAt: (ts) => this.#beliefs.read("1d", ts, this.#roster.length),
    });
    for (const { ts, beliefs } of result.changes) this.#beliefs.write("1d", ts, beliefs);
    const answeredMs = answer.covered.map(({ endMs }) => endMs);
    if (answeredMs.length > 0) {
      const knownMs = this.meta.getNumber(WATERMARK_1D) ?? 0;
      this.meta.set(WATERMARK_1D, Math.max(knownMs, ...answeredMs));
    }
    for (const daily of result.flushes) this.#append({ daily }, 0);
    return result;
  }

  #view(): GroupView {
    const { calendar, settleDelayMs } = this.#deps.rules();
    return {
      roster: this.#roster,
      calendar,
      settleDelayMs,
      beliefsAt: (ts) => this.#beliefs.read("1m", ts, this.#roster.length),
    };
  }

  #append(draft: Partial<FlushDraft> & Partial<Pick<Flush, "daily">>, receivedAt: number): void {
    this.stream.append({
      received_at: receivedAt,
      rows: draft.rows ?? [],
      daily: draft.daily ?? [],
      gaps: draft.gaps ?? [],
      source: draft.source ?? [],
      man: draft.man ?? [],
      quotes: [],
      watermark: draft.watermarkMs ?? this.watermarkMs(),
      watermark_1d: this.meta.getNumber(WATERMARK_1D),
      next: this.nextFlushMs(this.#deps.now()),
    });
  }

  /** A change of the provider or feed whose bars are taken is told in the flush that brings them. */
  #tellSource(answer: IngestAnswer, outcome: PollOutcome, result: Digest): void {
    const [draft] = result.drafts;
    const given = sourceName(answer);
    if (draft === undefined || result.verdicts.first + result.verdicts.updated === 0) return;
    const before = this.meta.get("source");
    if (before === given) return;
    this.meta.set("source", given);
    if (before === null) return;
    draft.source.push(sourceChange(before, given, outcome));
  }

  #refuseWhenFull(): void {
    const { bytes } = this.stream.backlog();
    if (bytes > MAX_UNDRAINED_BYTES)
      throw new Error("the undrained log is full: the database has been away too long");
  }
}
