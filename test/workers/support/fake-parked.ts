import { INT4, INT8, parseArray, result, TEXT, timestamp, TIMESTAMPTZ } from "./sql-wire.ts";

/** One parked row, and the group, class, epoch, number and time of its flush as they were bound. */
export interface ParkedByFake {
  readonly symbol: string;
  readonly reason: string;
  readonly flush: readonly string[];
}

/** The table of parked rows: what is put there, and listed newest first. */
export class FakeParked {
  readonly rows: ParkedByFake[] = [];

  answer(query: string, args: readonly (string | null)[]) {
    return query.includes("insert into") ? this.#park(args) : this.#list(Number(args[2]));
  }

  #park(args: readonly (string | null)[]) {
    const flush = args.slice(0, 5).map((value) => value ?? "");
    const reasons = parseArray(args[10] ?? "{}");
    const symbols = parseArray(args[7] ?? "{}");
    symbols.forEach((symbol, at) => this.rows.push({ symbol, reason: reasons[at] ?? "", flush }));
    return result([], []);
  }

  #list(limit: number) {
    const rows = this.rows.toReversed().map(({ symbol, reason, flush }) => {
      const [group = "", streamClass = "", epoch = "", fs = "", asOf = ""] = flush;
      const row = ["rows", "0", symbol, "[]", "23514", reason];
      return [group, streamClass, epoch, fs, ...row, timestamp(Date.parse(asOf))];
    });
    return result(FIELDS, rows.slice(0, limit));
  }
}

const FIELDS = [
  ["group", INT4],
  ["class", TEXT],
  ["epoch", TEXT],
  ["fs", INT8],
  ["part", TEXT],
  ["place", INT4],
  ["symbol", TEXT],
  ["body", TEXT],
  ["sqlstate", TEXT],
  ["reason", TEXT],
  ["as_of", TIMESTAMPTZ],
] as const;
