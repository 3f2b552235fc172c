import { parseArray, result, TEXT, TIMESTAMPTZ, timestamp } from "./sql-wire.ts";

/** The tables of corporate actions, factors and option metrics: what was put there of what. */
export class FakeActions {
  /** `symbol date from:to` of each split that was put. */
  readonly put: string[] = [];
  /** `underlying date ratio`: put/call open interest of what was stored. */
  readonly options: string[] = [];
  lastAskedMs: number | null = null;

  reset(): void {
    this.put.length = 0;
    this.options.length = 0;
    this.lastAskedMs = null;
  }

  answer(query: string, args: readonly (string | null)[]) {
    if (query.includes("insert into options_metrics"))
      this.options.push(`${args[0]} ${args[1]} ${args[5]}`);
    if (query.includes("insert into corporate_action_reads"))
      this.lastAskedMs = Date.parse(args[3] ?? "");
    if (query.includes("insert into corporate_actions")) {
      const [symbols = [], dates = [], from = [], to = []] = args
        .slice(3)
        .map((text) => parseArray(text ?? "{}"));
      symbols.forEach((symbol, at) => {
        this.put.push(`${symbol} ${dates[at]} ${from[at]}:${to[at]}`);
      });
    }
    if (!query.includes("from corporate_action_reads") || this.lastAskedMs === null)
      return result([], []);
    const fields = [
      ["from_date", TEXT],
      ["through_date", TEXT],
      ["asked_at", TIMESTAMPTZ],
    ] as const;
    const asked = timestamp(this.lastAskedMs);
    return result(fields, query.includes("insert") ? [] : [["2024-01-02", "2026-01-02", asked]]);
  }
}
