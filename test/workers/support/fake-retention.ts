import { BOOL, INT4, result, TEXT } from "./sql-wire.ts";

/** The tables of days that are there to be dropped, and what was asked of them. */
export class FakeRetention {
  /** Tables that each next call drops, by what is asked of it; none when it runs out. */
  readonly drops: Record<"bars" | "quotes", number[]> = { bars: [], quotes: [] };
  /** Days that are not packed yet. */
  unpacked: string[] = [];
  /** What was asked, in order: the name of the function and the date. */
  readonly asked: string[] = [];

  reset(): void {
    this.drops.bars = [];
    this.drops.quotes = [];
    this.unpacked = [];
    this.asked.length = 0;
  }

  answer(query: string, args: readonly (string | null)[]) {
    const name = /(?:select|from) (\w+)\(/.exec(query)?.[1] ?? "";
    this.asked.push([name, ...args].join(" "));
    if (name === "days_to_pack")
      return result(
        [["day", TEXT]],
        this.unpacked.map((day) => [day]),
      );
    if (name === "pack_day") {
      this.unpacked = this.unpacked.filter((day) => day !== args[0]);
      return result([["packed", BOOL]], [["t"]]);
    }
    const drops = name === "drop_expired_bars" ? this.drops.bars : this.drops.quotes;
    const count = name.startsWith("drop_expired") ? (drops.shift() ?? 0) : 0;
    return result([["count", INT4]], [[String(count)]]);
  }
}
