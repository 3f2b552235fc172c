import type { SqlStorage } from "@cloudflare/workers-types";
import { z } from "zod";
import type { RangeSet } from "../domain/range.ts";
import { HoleBook } from "./hole-book.ts";

const rangesSchema = z.array(z.object({ startMs: z.number(), endMs: z.number() }));

/** The open holes of a group, a row a slot that has any. */
export class HoleStore {
  #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  read(): HoleBook {
    const rows = this.#sql
      .exec<{ slot: number; ranges: string }>("SELECT slot, ranges FROM hole")
      .toArray();
    return new HoleBook(
      rows.map((row) => [row.slot, rangesSchema.parse(JSON.parse(row.ranges))] as const),
    );
  }

  write(changes: readonly (readonly [number, RangeSet])[]): void {
    for (const [slot, ranges] of changes) {
      if (ranges.length === 0) this.#sql.exec("DELETE FROM hole WHERE slot = ?", slot);
      else {
        this.#sql.exec(
          "INSERT INTO hole (slot, ranges) VALUES (?, ?) ON CONFLICT (slot) DO UPDATE SET ranges = excluded.ranges",
          slot,
          JSON.stringify(ranges),
        );
      }
    }
  }
}
