import { INT8, parseArray, result, timestamp, TIMESTAMPTZ } from "./sql-wire.ts";

/** An act as it was written; `detail` as JSON text, "" for none, as for `reason`. */
interface CopiedAct {
  readonly id: number;
  readonly atMs: number;
  readonly actor: string;
  readonly act: string;
  readonly subject: string;
  readonly reason: string;
  readonly detail: string;
}

/** The table `config_audit`. */
export class FakeConfigAudit {
  /** In the order in which they came. */
  readonly rows: CopiedAct[] = [];
  /** Acts that were sent although they were there. */
  repeated = 0;
  /** Statements that were answered. */
  asked = 0;

  reset(): void {
    this.rows.length = 0;
    this.repeated = 0;
    this.asked = 0;
  }

  answer(query: string, args: readonly (string | null)[]) {
    this.asked += 1;
    if (query.includes("insert into")) return this.#store(args);
    const newest = this.rows.toSorted((a, b) => b.atMs - a.atMs || b.id - a.id).slice(0, 1);
    return result(
      [
        ["id", INT8],
        ["at", TIMESTAMPTZ],
      ],
      newest.map(({ id, atMs }) => [String(id), timestamp(atMs)]),
    );
  }

  #store(args: readonly (string | null)[]) {
    const [ids, ats, actors, acts, subjects, reasons, details] = Array.from(
      { length: 7 },
      (_, at) => parseArray(args[at] ?? "{}"),
    );
    ids?.forEach((text, at) => {
      const [id, atMs] = [Number(text), Date.parse(ats?.[at] ?? "")];
      if (this.rows.some((row) => row.id === id && row.atMs === atMs)) {
        this.repeated += 1;
        return;
      }
      this.rows.push({
        id,
        atMs,
        actor: actors?.[at] ?? "",
        act: acts?.[at] ?? "",
        subject: subjects?.[at] ?? "",
        reason: reasons?.[at] ?? "",
        detail: details?.[at] ?? "",
      });
    });
    return result([], []);
  }
}
