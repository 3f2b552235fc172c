import type { SqlStorage } from "@cloudflare/workers-types";
import { z } from "zod";
import { HoleBook, type SlotHoles } from "./hole-book.ts";

const rangesSchema = z
  .string()
  .transform((text): unknown => JSON.parse(text))
  .pipe(z.array(z.object({ startMs: z.number(), endMs: z.number() })));
const rowSchema = z.object({
  slot: z.number(),
  ranges: rangesSchema,
  queued: rangesSchema,
  dead: rangesSchema,
});

/** The holes of a group, a row a slot that has any. */
export class HoleStore {
  #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  read(): HoleBook {
    const rows = this.#sql.exec("SELECT slot, ranges, queued, dead FROM hole").toArray();
    return new HoleBook(
      rows.map((row) => {
        const { slot, ranges: open, queued, dead } = rowSchema.parse(row);
        return [slot, { open, queued, dead }] as const;
      }),
    );
  }

  write(changes: readonly (readonly [number, SlotHoles])[]): void {
    for (const [slot, { open, queued, dead }] of changes) {
      if (open.length === 0) {
        this.#sql.exec("DELETE FROM hole WHERE slot = ?", slot);
        continue;
      }
      this.#sql.exec(
        `INSERT INTO hole (slot, ranges, queued, dead) VALUES (?, ?, ?, ?)
         ON CONFLICT (slot) DO UPDATE
         SET ranges = excluded.ranges, queued = excluded.queued, dead = excluded.dead`,
        slot,
        JSON.stringify(open),
        JSON.stringify(queued),
        JSON.stringify(dead),
      );
    }
  }
}
