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

  constructor(sql: SqlStorage) {
    this.store = new MetaStore(sql);
  }

  pause(): Pause | null {
    return pauseSchema.parse(JSON.parse(this.store.get("pause") ?? "null"));
  }

  setPause(pause: Pause | null): void {
    const text = JSON.stringify(pause);
    if (this.store.get("pause") !== text) this.store.set("pause", text);
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
