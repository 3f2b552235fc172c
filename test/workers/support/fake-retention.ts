import { BOOL, INT4, result, TEXT } from "./sql-wire.ts";

/** The tables of days that are there to be dropped, and what was asked of them. */
export class FakeRetention {
  /** Tables that each next call drops, by what is asked of it; none when it runs out. */
  readonly drops: Record<"bars" | "quotes", number[]> = { bars: [], quotes: [] };
  /** Days that are not packed yet. */
  unpacked: string[] = [];
  /** Days whose hours are not kept yet. */
  withoutHours: string[] = [];
  /** What was asked, in order: the name of the function and the date. */
  readonly asked: string[] = [];

  reset(): void {
    this.drops.bars = [];
    this.drops.quotes = [];
    this.unpacked = [];
    this.withoutHours = [];
    this.asked.length = 0;
  }

  answer(query: string, args: readonly (string | null)[]) {
    if (query.includes("update stored_hours")) {
      this.withoutHours = this.withoutHours.filter((day) => day !== args[0]);
      this.asked.push(`keep hours ${args[0]}`);
      return result([["count", INT4]], [["1"]]);
    }
    const name = /(?:select|from) (\w+)\(/.exec(query)?.[1] ?? "";
    this.asked.push([name, ...args].join(" "));
    if (name === "begin_storing_hours") return result([["begin_storing_hours", TEXT]], [[""]]);
    if (name === "days_to_pack" || name === "days_to_store_hours") {
      const days = name === "days_to_pack" ? this.unpacked : this.withoutHours;
      return result(
        [["day", TEXT]],
        days.map((day) => [day]),
      );
    }
    if (name === "pack_day") {
      this.unpacked = this.unpacked.filter((day) => day !== args[0]);
      return result([["packed", BOOL]], [["t"]]);
    }
    const drops = name === "drop_expired_bars" ? this.drops.bars : this.drops.quotes;
    const count = name.startsWith("drop_expired") ? (drops.shift() ?? 0) : 0;
    return result([["count", INT4]], [[String(count)]]);
  }
}
