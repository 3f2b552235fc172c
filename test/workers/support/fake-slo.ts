const TEXT = 25;
const INT4 = 23;
const TIMESTAMPTZ = 1184;
const JSON_TYPE = 114;

/** The columns of a reading, with Postgres's numbers of their types. */
export const READING_FIELDS = [
  ["tier", TEXT],
  ["interval", TEXT],
  ["complete_before", TIMESTAMPTZ],
  ["listed", INT4],
  ["symbols", INT4],
  ["violating", INT4],
  ["named", JSON_TYPE],
] as const;

/** How a tier and interval stand: its symbols by sid, and what each violating one lacks first. */
export interface ScriptedLevel {
  readonly symbols: readonly string[];
  readonly lacks: Readonly<Record<string, number>>;
  readonly completeBeforeMs: number | null;
}

/** What Postgres would count of each level, from a script of who lacks what. */
export class FakeSlo {
  /** By `tier interval`. */
  readonly levels = new Map<string, ScriptedLevel>();
  /** Places of T0 that each reading of minutes asked for, as `from-to`. */
  readonly asked: string[] = [];
  /** What was due, as the statements were told it: from, to; or a date. */
  readonly due: string[][] = [];

  reset(): void {
    this.levels.clear();
    this.asked.length = 0;
    this.due.length = 0;
  }

  /** The rows of a reading's answer. */
  read(query: string, args: readonly (string | null)[], parseArray: (text: string) => string[]) {
    const column = (index: number) => parseArray(args[index - 1] ?? "{}");
    const interval = query.includes("'1m' as interval") ? "1m" : "1d";
    const places = column(1).map((tier, index) => ({
      tier,
      from: Number(column(2)[index]),
      to: Number(column(3)[index]),
    }));
    this.due.push(args.slice(4).map(String));
    if (interval === "1m") {
      const ofT0 = places.filter(({ tier }) => tier === "T0");
      this.asked.push(ofT0.map(({ from, to }) => `${from}-${to}`).join(","));
    }
    return ["T0", "T1", "T2"].flatMap((tier) => {
      const level = this.levels.get(`${tier} ${interval}`);
      const mine = places.filter((one) => one.tier === tier);
      const chosen = (level?.symbols ?? []).filter((_, place) =>
        mine.some(({ from, to }) => place >= from && place < to),
      );
      if (level === undefined || chosen.length === 0) return [];
      const named = chosen.flatMap((symbol) => {
        const oldestMs = level.lacks[symbol];
        return oldestMs === undefined ? [] : [{ symbol, oldest_ms: oldestMs }];
      });
      const { completeBeforeMs } = level;
      const iso = completeBeforeMs === null ? null : new Date(completeBeforeMs).toISOString();
      const before = iso?.replace("T", " ").replace("Z", "+00") ?? null;
      const counts = [level.symbols.length, chosen.length, named.length].map(String);
      return [[tier, interval, before, ...counts, JSON.stringify(named)]];
    });
  }
}
