import type { StoredRow } from "./fake-postgres.ts";
import type { FakeMember } from "./fake-universe.ts";
import { BOOL, INT8, JSONB, parseArray, result, TEXT, timestamp } from "./sql-wire.ts";

type Args = readonly (string | null)[];

interface Stored {
  /** Every belief as it was written, in that order. */
  readonly written: readonly StoredRow[];
  readonly members: readonly FakeMember[];
}

/** A row of a bar and the values of the columns that its statement adds. */
export interface BelievedRow {
  readonly row: StoredRow;
  readonly further: readonly (string | null)[];
}

interface Believed {
  readonly fields: readonly (readonly [name: string, dataTypeID: number])[];
  readonly rows: readonly BelievedRow[];
}

/** The answers to what asks for beliefs by other ways than a page of bars; null for another statement. */
export function answerBeliefs(query: string, args: Args, stored: Stored): Believed | null {
  if (query.includes("order by ts desc, as_of desc limit 1")) return latest(args, stored);
  if (query.includes("true as current")) return revisions(args, stored);
  if (query.includes("as_of_us")) return diff(args, stored);
  if (query.includes("t.ts = $2::timestamptz")) return minute(args, stored);
  return null;
}

/** The answers that are text: lines and symbols of a day file, symbols of a group; null for another statement. */
export function answerTexts(query: string, args: Args, { written, members }: Stored) {
  if (query.includes("string_agg(lines.text")) {
    const [startMs, endMs, asOf] = instants(args, 1, 2, 3);
    const lines = parseArray(args[0] ?? "{}").flatMap((symbol) =>
      [...newest(written, asOf).values()]
        .filter((row) => row.symbol === symbol && row.ts >= startMs && row.ts < endMs)
        .map((row) => `${symbol},${timestamp(row.ts)},${row.close}\r\n`),
    );
    return result([["text", TEXT]], [[lines.join("")]]);
  }
  if (query.includes(") has\nwhere")) {
    const [startMs, endMs] = instants(args, 0, 1);
    const within = written.filter(({ ts }) => ts >= startMs && ts < endMs);
    return symbolsResult([...new Set(within.map(({ symbol }) => symbol))].toSorted());
  }
  if (query.startsWith('select symbol from symbol_universe where "group"')) {
    const own = members.filter(({ group }) => group === Number(args[0]));
    return symbolsResult(own.map(({ symbol }) => symbol).toSorted());
  }
  return null;
}

function symbolsResult(symbols: readonly string[]) {
  return result(
    [["symbol", TEXT]],
    symbols.map((symbol) => [symbol]),
  );
}

function latest(args: Args, { written }: Stored): Believed {
  const [fromMs, toMs, asOf] = instants(args, 1, 2, 3);
  const believed = [...newest(written, asOf).values()].filter(
    ({ ts }) => ts >= fromMs && ts < toMs,
  );
  const rows = parseArray(args[0] ?? "{}").flatMap((symbol) => {
    const last = believed.filter((row) => row.symbol === symbol).toSorted((a, b) => b.ts - a.ts);
    return last.slice(0, 1).map((row) => ({ row, further: [] }));
  });
  return { fields: [], rows };
}

/** One minute of many symbols, in their order. */
function minute(args: Args, { written }: Stored): Believed {
  const [ts, asOf] = instants(args, 1, 2);
  const asked = new Set(parseArray(args[0] ?? "{}"));
  const rows = [...newest(written, asOf).values()]
    .filter((row) => row.ts === ts && asked.has(row.symbol))
    .toSorted((a, b) => (a.symbol < b.symbol ? -1 : 1))
    .slice(0, Number(args[3]));
  return { fields: [], rows: rows.map((row) => ({ row, further: [] })) };
}

function revisions(args: Args, { written }: Stored): Believed {
  const [ts] = instants(args, 1);
  const own = written.filter((row) => row.symbol === args[0] && row.ts === ts).toReversed();
  const rows = own.map((row, index) => ({ row, further: [index === 0 ? "t" : "f"] }));
  return { fields: [["current", BOOL]], rows };
}

function diff(args: Args, { written }: Stored): Believed {
  const [afterMs, untilMs, startMs, endMs] = instants(args, 0, 1, 4, 5);
  const symbols = new Set(parseArray(args[6] ?? "{}"));
  const key = (row: StoredRow) => `${String(row.asOf).padStart(15, "0")} ${row.symbol} ${row.ts}`;
  const [, , symbol, ts] = args;
  const isFirstPage = symbol === null || symbol === undefined;
  const after = isFirstPage
    ? `${String(afterMs).padStart(15, "0")}~`
    : `${String(afterMs).padStart(15, "0")} ${symbol} ${Date.parse(ts ?? "")}`;
  const page = written
    .filter((row) => symbols.has(row.symbol) && row.ts >= startMs && row.ts < endMs)
    .filter((row) => row.asOf <= untilMs && key(row) > after)
    .toSorted((a, b) => (key(a) < key(b) ? -1 : 1))
    .slice(0, Number(args[7]));
  const rows = page.map((row) => ({ row, further: [String(row.asOf * 1_000), null] }));
  return {
    fields: [
      ["as_of_us", INT8],
      ["before", JSONB],
    ],
    rows,
  };
}

/** What was believed of each bar at a time. */
function newest(written: readonly StoredRow[], asOf: number): Map<string, StoredRow> {
  const known = written.filter((row) => row.asOf <= asOf);
  return new Map(known.map((row) => [`${row.symbol} ${row.ts}`, row]));
}

function instants<const Places extends readonly number[]>(
  args: Args,
  ...places: Places
): { [K in keyof Places]: number };
function instants(args: Args, ...places: number[]): number[] {
  return places.map((index) => Date.parse(args[index] ?? ""));
}
