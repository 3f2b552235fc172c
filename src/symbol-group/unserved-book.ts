import { z } from "zod";
import { MAX_UNSERVED_TEXT, type Task } from "../contracts/tasks.ts";
import type { MetaStore } from "../platform/meta-store.ts";

const META_KEY = "unserved_tasks";

const reasonsSchema = z.record(z.string(), z.string().max(MAX_UNSERVED_TEXT));

/** A task that no configured key serves, and why. Not a fault: it is tried again on its next date. */
export interface UnservedTask {
  readonly type: string;
  readonly reason: string;
}

/** What of the whole service is unserved, kept by group g00. */
export class UnservedBook {
  #meta: MetaStore;

  constructor(meta: MetaStore) {
    this.#meta = meta;
  }

  /** Notes why nothing serves a task; null: it is served. */
  keep(type: Task["type"], reason: string | null): void {
    const reasons = { ...this.#reasons() };
    if ((reasons[type] ?? null) === reason) return;
    if (reason === null) delete reasons[type];
    else reasons[type] = reason;
    this.#meta.set(META_KEY, JSON.stringify(reasons));
  }

  read(): UnservedTask[] {
    return Object.entries(this.#reasons()).map(([type, reason]) => ({ type, reason }));
  }

  #reasons(): Readonly<Record<string, string>> {
    return reasonsSchema.parse(JSON.parse(this.#meta.get(META_KEY) ?? "{}"));
  }
}
