import type { DurableObjectStorage } from "@cloudflare/workers-types";
import { z } from "zod";
import { type HealthSample, MAX_HEALTH_SAMPLES } from "../domain/health-sample.ts";
import type { Capability } from "../domain/provider-id.ts";
import type { EpochMs } from "../domain/time.ts";
import { floorToMinute } from "../domain/time.ts";
import { type Decision, decisionSchema, signatureOf } from "./decision.ts";

/**
 * Decisions that are kept: jobs of one minute that decided alike are one row, so that this is more
 * than two sessions of one capability although every group decides each minute.
 */
export const MAX_DECISIONS = 1_000;

const share = z.number();
const sampleSchema = z.object({
  atMs: z.number(),
  state: z.enum(["closed", "half_open", "open", "isolated"]),
  score: z.object({ breaker: share, latency: share, error: share, completeness: share, h: share }),
  calls: z.number(),
  failures: z.number(),
});

/** Decisions of one minute that were alike: the last of them, and how many jobs decided so. */
export interface DecidedMinute {
  readonly minuteMs: EpochMs;
  readonly jobs: number;
  readonly last: Decision;
}

/** The history of one provider in the SQLite of its object: how it was, and what was decided about it. */
export class ProviderHistory {
  #storage: DurableObjectStorage;
  #trimmedMinuteMs: EpochMs | null = null;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
  }

  /** Writes the sample of its minute, in place of an earlier one of the same minute. */
  addSample(capability: Capability, sample: HealthSample): void {
    const { sql } = this.#storage;
    sql.exec(
      "INSERT INTO sample (capability, minute, body) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET body = excluded.body",
      capability,
      sample.atMs,
      JSON.stringify(sample),
    );
    sql.exec(
      `DELETE FROM sample WHERE capability = ?1 AND minute <=
         (SELECT minute FROM sample WHERE capability = ?1 ORDER BY minute DESC LIMIT 1 OFFSET ?2)`,
      capability,
      MAX_HEALTH_SAMPLES,
    );
  }

  /** The samples of a capability, oldest first. */
  samples(capability: Capability): HealthSample[] {
    return this.#storage.sql
      .exec<{ body: string }>(
        "SELECT body FROM sample WHERE capability = ? ORDER BY minute",
        capability,
      )
      .toArray()
      .map(({ body }) => sampleSchema.parse(JSON.parse(body)));
  }

  /** The newest sample of a capability. */
  lastSample(capability: Capability): HealthSample | null {
    const [row] = this.#storage.sql
      .exec<{ body: string }>(
        "SELECT body FROM sample WHERE capability = ? ORDER BY minute DESC LIMIT 1",
        capability,
      )
      .toArray();
    return row === undefined ? null : sampleSchema.parse(JSON.parse(row.body));
  }

  /** Counts a decision into its minute. */
  addDecision(decision: Decision): void {
    const minuteMs = floorToMinute(decision.atMs);
    this.#storage.sql.exec(
      `INSERT INTO decision (minute, capability, signature, at, jobs, body) VALUES (?, ?, ?, ?, 1, ?)
       ON CONFLICT DO UPDATE SET jobs = jobs + 1, at = excluded.at, body = excluded.body`,
      minuteMs,
      decision.capability,
      signatureOf(decision),
      decision.atMs,
      JSON.stringify(decision),
    );
    if (minuteMs !== this.#trimmedMinuteMs) this.#trimDecisions(minuteMs);
  }

  /** The last decisions, newest first; with a minute, only those of that minute. */
  decisions(limit: number, minuteMs: EpochMs | null = null): DecidedMinute[] {
    const rows = this.#storage.sql
      .exec<{ minute: number; jobs: number; body: string }>(
        `SELECT minute, jobs, body FROM decision WHERE ?1 IS NULL OR minute = ?1
         ORDER BY minute DESC, at DESC LIMIT ?2`,
        minuteMs,
        limit,
      )
      .toArray();
    return rows.map(({ minute, jobs, body }) => ({
      minuteMs: minute,
      jobs,
      last: decisionSchema.parse(JSON.parse(body)),
    }));
  }

  /** Once a minute, not at each decision: it reads all rows that are kept. */
  #trimDecisions(minuteMs: EpochMs): void {
    this.#trimmedMinuteMs = minuteMs;
    this.#storage.sql.exec(
      `DELETE FROM decision WHERE minute <=
         (SELECT minute FROM decision ORDER BY minute DESC LIMIT 1 OFFSET ?)`,
      MAX_DECISIONS,
    );
  }
}
