import type { SqlStorage } from "@cloudflare/workers-types";
import { z } from "zod";
import type { EpochMs } from "../domain/time.ts";
import { MetaStore } from "../platform/meta-store.ts";

const pauseSchema = z
  .object({ untilMs: z.number(), reason: z.string(), streak: z.number().int() })
  .nullable();
/** Until when a queue starts nothing, why, and how often in a row it found out. */
export type Pause = NonNullable<z.infer<typeof pauseSchema>>;

const requeuesSchema = z.object({ minuteMs: z.number(), used: z.number() });

/** What a queue remembers beside its holes. */
export class QueueMeta {
  readonly store: MetaStore;
  /** As its row says: it is asked for at every turn. */
  #pause: Pause | null;

  constructor(sql: SqlStorage) {
    this.store = new MetaStore(sql);
    this.#pause = pauseSchema.parse(JSON.parse(this.store.get("pause") ?? "null"));
  }

  pause(): Pause | null {
    return this.#pause;
  }

  setPause(pause: Pause | null): void {
    if (pause === null && this.#pause === null) return;
    this.store.set("pause", JSON.stringify(pause));
    this.#pause = pause;
  }

  /** Letters that were requeued in a minute. */
  requeuesIn(minuteMs: EpochMs): number {
    const known = requeuesSchema.safeParse(JSON.parse(this.store.get("requeues") ?? "null"));
    return known.success && known.data.minuteMs === minuteMs ? known.data.used : 0;
  }

  setRequeues(minuteMs: EpochMs, used: number): void {
    this.store.set("requeues", JSON.stringify({ minuteMs, used }));
  }
}
