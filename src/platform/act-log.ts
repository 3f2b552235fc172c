import type { SqlStorage } from "@cloudflare/workers-types";
import { z } from "zod";
import type { EpochMs } from "../domain/time.ts";

/** Longest text of a reason, characters. */
const MAX_ACT_REASON = 300;
/** Acts that are kept over all subjects; the oldest go. */
const MAX_ACTS = 1_000;
const MAX_ACTOR = 100;

/** Who did what to what, when (wall ms) and why. An actor is a key by its id. */
export interface Act {
  readonly atMs: EpochMs;
  readonly actor: string;
  readonly act: string;
  readonly subject: string;
  readonly reason: string | null;
  /** What it changed, in a form that the act knows. */
  readonly detail?: string;
}

const actSchema = z
  .object({
    at: z.number(),
    actor: z.string(),
    act: z.string(),
    subject: z.string(),
    reason: z.string().nullable(),
  })
  .transform(({ at, ...rest }): Act => ({ atMs: at, ...rest }));

/** The audit of ConfigStore: what operators did. Written in the transaction of the act itself. */
export class ActLog {
  #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  write({ atMs, actor, act, subject, reason, detail }: Act): void {
    this.#sql.exec(
      "INSERT INTO audit (at, actor, act, subject, reason, detail) VALUES (?, ?, ?, ?, ?, ?)",
      atMs,
      actor.slice(0, MAX_ACTOR),
      act,
      subject,
      reason?.slice(0, MAX_ACT_REASON) ?? null,
      detail ?? null,
    );
    this.#sql.exec("DELETE FROM audit WHERE id <= (SELECT max(id) FROM audit) - ?", MAX_ACTS);
  }

  /** The last acts on a subject, newest first. */
  read(subject: string, limit: number): Act[] {
    return this.#sql
      .exec(
        "SELECT at, actor, act, subject, reason FROM audit WHERE subject = ? ORDER BY id DESC LIMIT ?",
        subject,
        limit,
      )
      .toArray()
      .map((row) => actSchema.parse(row));
  }
}
