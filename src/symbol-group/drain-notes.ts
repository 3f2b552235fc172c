import { z } from "zod";
import type { EpochMs } from "../domain/time.ts";
import type { MetaStore } from "../platform/meta-store.ts";

/** New epochs of a stream in a day at most. */
export const MAX_RENEWALS = 3;
/** Notes that are kept at most, the newest. */
const MAX_NOTES = 20;

const noteSchema = z.object({
  kind: z.enum(["parked", "rewind", "renew"]),
  text: z.string(),
  atMs: z.number(),
});

/** Something about a drain that an operator has to know. */
export type DrainNote = z.infer<typeof noteSchema>;

/** What the operator is told of a stream's drain: kept with the stream, the newest few. */
export class DrainNotes {
  #meta: MetaStore;

  constructor(meta: MetaStore) {
    this.#meta = meta;
  }

  /** Those that are not older than `sinceMs`. */
  since(sinceMs: EpochMs): DrainNote[] {
    return this.#all().filter(({ atMs }) => atMs >= sinceMs);
  }

  add(note: DrainNote): void {
    this.#meta.set("drain_notes", JSON.stringify([...this.#all(), note].slice(-MAX_NOTES)));
  }

  #all(): DrainNote[] {
    return z.array(noteSchema).parse(JSON.parse(this.#meta.get("drain_notes") ?? "[]"));
  }

  /** How often the stream began a new epoch since then. */
  renewals(sinceMs: EpochMs): number {
    return this.#renewals().filter((atMs) => atMs >= sinceMs).length;
  }

  renewed(nowMs: EpochMs): void {
    const times = [...this.#renewals(), nowMs].slice(-MAX_RENEWALS);
    this.#meta.set("renewals", JSON.stringify(times));
  }

  #renewals(): EpochMs[] {
    return z.array(z.number()).parse(JSON.parse(this.#meta.get("renewals") ?? "[]"));
  }
}
