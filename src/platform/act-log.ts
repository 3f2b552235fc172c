import type { SqlStorage } from "@cloudflare/workers-types";
import { z } from "zod";
import type { EpochMs } from "../domain/time.ts";

/** Longest text of a reason, characters. */
const MAX_ACT_REASON = 300;
/** Acts that are kept over all subjects; the oldest go. */
const MAX_ACTS = 1_000;
const MAX_ACTOR = 100;
/** Details that are handed out at once, characters; a single one may be longer. */
const MAX_DETAILS = 1_000_000;

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

/**
 * Names an act for whoever keeps one. The instant is part of it: an object that was set back to an earlier time,
 * or made anew, gives its numbers out again.
 */
export interface ActPlace {
  readonly id: number;
  readonly atMs: EpochMs;
}

/** An act with its number and all that is kept of it. */
export interface NumberedAct extends ActPlace, Omit<Act, "detail"> {
  readonly detail: string | null;
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
const numberedSchema = z
  .object({ id: z.number(), ...actSchema.in.shape, detail: z.string().nullable() })
  .transform(({ at, ...rest }): NumberedAct => ({ atMs: at, ...rest }));

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

  /** The acts behind one, oldest first: from the oldest on when that one does not stand here (or no more). */
  after(place: ActPlace | null, limit: number): NumberedAct[] {
    const acts: NumberedAct[] = [];
    let details = 0;
    const rows = this.#sql.exec(
      "SELECT id, at, actor, act, subject, reason, detail FROM audit WHERE id > ? ORDER BY id LIMIT ?",
      place !== null && this.#has(place) ? place.id : 0,
      limit,
    );
    for (const row of rows) {
      const act = numberedSchema.parse(row);
      details += act.detail?.length ?? 0;
      if (details > MAX_DETAILS && acts.length > 0) break;
      acts.push(act);
    }
    return acts;
  }

  #has({ id, atMs }: ActPlace): boolean {
    const select = "SELECT 1 FROM audit WHERE id = ? AND at = ?";
    return this.#sql.exec(select, id, atMs).toArray().length > 0;
  }
}
