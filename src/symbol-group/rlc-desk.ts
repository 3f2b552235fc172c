import type { DurableObjectStorage } from "@cloudflare/workers-types";
import { z } from "zod";
import type { JobAnswer } from "../contracts/rlc.ts";
import { MAX_CLAIM_JOBS } from "../contracts/rlc.ts";
import type { PartEnd, ReportedClaim, RoundStart } from "../contracts/rlc-desk.ts";
import {
  firstJobSource,
  hearClaim,
  type JobSourceAct,
  type JobSourceState,
  nextRoundMs,
} from "../domain/job-source.ts";
import type { EpochMs } from "../domain/time.ts";
import { SECOND_MS } from "../domain/time.ts";
import { log } from "../platform/log.ts";
import { MetaStore } from "../platform/meta-store.ts";
import type { GroupRules } from "./group-rules.ts";
import { type LeasedJob, RlcJobStore } from "./rlc-job-store.ts";
import { type PlannedTask, taskDuty } from "./service-duties.ts";

/** Claimed jobs that may be under way at once. */
const MAX_LEASED_JOBS = 200;
/** Nobody answered for a part: the provider is away or has no credits; not at once again. */
const UNANSWERED_RETRY_MS = 15 * SECOND_MS;
const META_KEY = "job_source";

const sourceSchema = z.enum(["rlc", "sweeper"]);
const stateSchema = z.object({
  source: sourceSchema,
  sinceMs: z.number(),
  silence: z.object({ sinceMs: z.number(), reason: z.string() }).nullable(),
  given: z.object({ tickMs: z.number(), to: sourceSchema }).nullable(),
});

/** What the desk needs of its object. */
export interface RlcDeskDeps {
  readonly storage: DurableObjectStorage;
  readonly rules: () => GroupRules;
  readonly now: () => EpochMs;
  readonly planTask: (task: PlannedTask) => void;
}

/**
 * Where group g00 keeps what the service knows of the rate-limit coordinator: who is in charge of the
 * polls, and which of its jobs are under way. In g00, because its alarm asks the coordinator again
 * between the cron ticks and because one object decides for every minute in one turn; durable, because
 * a restart must neither give a minute to both nor wait for the coordinator anew.
 */
export class RlcDesk {
  #deps: RlcDeskDeps;
  #meta: MetaStore;
  #jobs: RlcJobStore;

  constructor(deps: RlcDeskDeps) {
    this.#deps = deps;
    this.#meta = new MetaStore(deps.storage.sql);
    this.#jobs = new RlcJobStore(deps.storage.sql);
  }

  /** A round begins: what there is to tell the coordinator, and how many jobs there is room for. */
  begin(): RoundStart {
    const lost = this.#jobs.forgetExpired(this.#deps.now());
    if (lost > 0) log("warn", "leases of a coordinator's jobs have ended", { jobs: lost });
    const room = MAX_LEASED_JOBS - this.#jobs.count();
    return {
      max: Math.max(0, Math.min(MAX_CLAIM_JOBS, room)),
      answers: this.#jobs.ended().slice(0, MAX_CLAIM_JOBS).map(answerOf),
    };
  }

  /** Takes in how a claim ended, its jobs too, in one transaction; answers what follows. */
  hear(claim: ReportedClaim): JobSourceAct {
    const nowMs = this.#deps.now();
    const before = this.#state(nowMs);
    const { state, act } = hearClaim(before, claim, nowMs);
    this.#deps.storage.transactionSync(() => {
      this.#meta.set(META_KEY, JSON.stringify(state));
      if (claim.ok && act === "run") {
        for (const { id, leaseMs, groups } of claim.jobs)
          this.#jobs.write({
            id,
            leaseUntilMs: nowMs + leaseMs,
            openGroups: groups,
            isPartial: false,
            isServed: false,
          });
      }
    });
    this.#planRound(state, nowMs);
    if (state.source !== before.source) sayChange(state);
    return act;
  }

  partEnded(end: PartEnd): void {
    this.#deps.storage.transactionSync(() => this.#jobs.endPart(end));
  }

  /** The coordinator knows how these jobs ended. */
  answered(ids: readonly string[]): void {
    this.#jobs.forget(ids);
  }

  /** Who is in charge of the polls, as far as it has been decided. */
  jobSource(): JobSourceState {
    return this.#state(this.#deps.now());
  }

  #planRound(state: JobSourceState, nowMs: EpochMs): void {
    const isOpen = this.#deps.rules().calendar.sessionContaining(nowMs) !== undefined;
    const dueMs = nextRoundMs(state, nowMs, isOpen);
    if (dueMs === null) return;
    const duty = taskDuty("rlc", String(dueMs));
    this.#deps.planTask({ task: { v: 1, duty, type: "rlc" }, dueMs, once: true });
  }

  #state(nowMs: EpochMs): JobSourceState {
    const text = this.#meta.get(META_KEY);
    return text === null ? firstJobSource(nowMs) : stateSchema.parse(JSON.parse(text));
  }
}

/** What the coordinator is told of a job whose parts have all ended. */
function answerOf({ id, isPartial, isServed }: LeasedJob): JobAnswer {
  if (isPartial) {
    const detail = "a part of it was not answered whole";
    return {
      id,
      nack: { reason: "unanswered", detail, retry_after_ms: UNANSWERED_RETRY_MS },
    };
  }
  if (isServed) return { id, nack: null };
  const detail = "none of its symbols has 1-minute bars here";
  return { id, nack: { reason: "unserved", detail, retry_after_ms: null } };
}

function sayChange({ source, silence }: JobSourceState): void {
  if (source === "rlc") log("info", "the rate-limit coordinator is in charge of the polls");
  else
    log("warn", "the local sweeper takes over from the rate-limit coordinator", {
      reason: silence?.reason ?? null,
    });
}
