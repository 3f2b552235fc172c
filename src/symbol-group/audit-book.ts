import { z } from "zod";
import {
  type AuditNote,
  auditNoteSchema,
  type AuditSummary,
  MAX_AUDIT_NOTES,
} from "../contracts/audit.ts";
import type { TaskOf } from "../contracts/tasks.ts";
import type { EpochMs } from "../domain/time.ts";
import { MINUTE_MS } from "../domain/time.ts";
import type { MetaStore } from "../platform/meta-store.ts";
import { taskDuty } from "./service-duties.ts";

/** A group is audited so often at most because a bar of it is said to be lacking. */
const ASKED_EVERY_MS = 10 * MINUTE_MS;
const NOTES = "audits";
const ASKED = "audits_asked";

const notesSchema = z.array(auditNoteSchema);
const askedSchema = z.record(z.string(), z.number());

/** What group g00 remembers of audits: the last runs, newest first, and which groups were asked for when. */
export class AuditBook {
  #meta: MetaStore;

  constructor(meta: MetaStore) {
    this.#meta = meta;
  }

  keep(task: string, summary: AuditSummary, nowMs: EpochMs): void {
    const note = { ...summary, task, at_ms: nowMs };
    this.#meta.set(NOTES, JSON.stringify([note, ...this.read()].slice(0, MAX_AUDIT_NOTES)));
  }

  read(): AuditNote[] {
    return notesSchema.parse(JSON.parse(this.#meta.get(NOTES) ?? "[]"));
  }

  /** The audit of a session for those of the groups that were not asked for lately; null: for none. */
  ask(date: string, groups: readonly number[], nowMs: EpochMs): TaskOf<"audit"> | null {
    const known = askedSchema.parse(JSON.parse(this.#meta.get(ASKED) ?? "{}"));
    const lately = Object.fromEntries(
      Object.entries(known).filter(([, atMs]) => atMs > nowMs - ASKED_EVERY_MS),
    );
    const fresh = groups.filter((group) => lately[String(group)] === undefined);
    if (fresh.length === 0) return null;
    for (const group of fresh) lately[String(group)] = nowMs;
    this.#meta.set(ASKED, JSON.stringify(lately));
    const duty = taskDuty("audit", `asked-${nowMs}`);
    return { v: 1, type: "audit", duty, date, groups: fresh };
  }
}
