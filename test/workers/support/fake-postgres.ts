import { z } from "zod";
import { NEWEST_MIGRATION } from "../../../src/postgres/schema-version.ts";
import { FakeAudit } from "./fake-audit.ts";
import { answerBeliefs, answerTexts, type BelievedRow } from "./fake-beliefs.ts";
import { COUNTED_FIELDS, countStored } from "./fake-coverage.ts";
import { FakeConfigAudit } from "./fake-config-audit.ts";
import { FakeDaily, type StoredDay } from "./fake-daily.ts";
import { FakeLetters } from "./fake-letters.ts";
import { FakeParked } from "./fake-parked.ts";
import { FakeRetention } from "./fake-retention.ts";
import { FakeSlo, READING_FIELDS } from "./fake-slo.ts";
import { FakeActions } from "./fake-actions.ts";
import { findQuotes, quotesPlace, storeQuotes, type StoredQuote } from "./fake-quotes.ts";
import {
  type FakeMember,
  listActive,
  listFrom,
  listKnown,
  listMembers,
  listTier,
  listTiers,
  listUnknown,
} from "./fake-universe.ts";
import {
  blockResult,
  BOOL,
  FLOAT8,
  INT4,
  INT8,
  parseArray,
  result,
  TEXT,
  timestamp,
  TIMESTAMPTZ,
} from "./sql-wire.ts";

const statementSchema = z.object({
  query: z.string(),
  params: z.array(z.union([z.string(), z.number(), z.boolean(), z.null()])).default([]),
});
type Statement = z.infer<typeof statementSchema>;
const requestSchema = z.union([
  z.object({ queries: z.array(statementSchema).min(1) }),
  statementSchema.transform((statement) => ({ queries: [statement], single: true as const })),
]);

/** What of a stored flush the tests look at. */
export interface StoredFlush {
  readonly epoch: string;
  readonly fs: number;
  readonly asOf: number;
  readonly rows: readonly StoredRow[];
  readonly gaps: readonly (readonly [symbol: string, fromMs: number, toMs: number, kind: string])[];
}

/** One bar as it was written, `as_of` in ms. */
export interface StoredRow {
  readonly symbol: string;
  readonly ts: number;
  readonly close: number;
  readonly revision: number;
  readonly provider: string;
  readonly status: string;
  readonly asOf: number;
}

interface Cursor {
  epoch: string;
  fs: number;
  asOf: number;
  watermark: number | null;
}

class SqlError extends Error {
  readonly code: string;
  readonly detail: string;
  readonly constraint: string | undefined;

  constructor(code: string, message: string, detail: string, constraint?: string) {
    super(message);
    this.code = code;
    this.detail = detail;
    this.constraint = constraint;
  }
}

/**
 * Neon's `/sql` over a Postgres that understands what the service says: the fencing of
 * `drain_begin`, one statement a flush, cursors, members and as-of reads. A batch is all or nothing.
 */
export class FakePostgres {
  members: readonly FakeMember[] = [];
  /** While true every request is refused, as from a database that cannot be reached. */
  away = false;
  /** Statements that are refused, as by a database that is short of something. */
  refuses: RegExp | null = null;
  /** While true a request gets no answer at all, as from a database that is frozen. */
  hangs = false;
  /** The newest database migration that it has; `absent`: it was never migrated. */
  migration: string = NEWEST_MIGRATION;
  /** So many next drains commit, and their answers are lost on the way back. */
  loseAnswers = 0;
  /** Flushes of a group in the order in which they were committed, `[from, to]` of each drain. */
  readonly drains = new Map<number, [number, number][]>();
  readonly flushes = new Map<number, StoredFlush[]>();
  readonly cursors = new Map<number, Cursor>();
  readonly audit = new FakeAudit();
  readonly configAudit = new FakeConfigAudit();
  readonly daily = new FakeDaily();
  /** Minutes that the history lane wrote. */
  readonly history = new FakeDaily();
  readonly letters = new FakeLetters();
  readonly retention = new FakeRetention();
  readonly slo = new FakeSlo();
  /** Symbols whose rows are refused, as by a check on their values. */
  readonly refusedSymbols = new Set<string>();
  readonly parked = new FakeParked();
  readonly actions = new FakeActions();
  /** Every quote that was written, by symbol and event time. */
  readonly quotes = new Map<string, StoredQuote>();

  reset(): void {
    for (const bars of [this.daily, this.history]) bars.written.length = 0;
    this.audit.reset();
    this.configAudit.reset();
    this.letters.rows.clear();
    this.retention.reset();
    this.slo.reset();
    this.actions.reset();
    this.members = [];
    this.away = false;
    this.hangs = false;
    this.migration = NEWEST_MIGRATION;
    this.refuses = null;
    this.loseAnswers = 0;
    this.refusedSymbols.clear();
    this.parked.rows.length = 0;
    for (const map of [this.drains, this.flushes, this.cursors, this.quotes]) map.clear();
  }

  /** A restore to an earlier time: the group's stream stands at flush `fs` again, and nothing came after it. */
  setBack(group: number, fs: number): void {
    const kept = (this.flushes.get(group) ?? []).filter((flush) => flush.fs <= fs);
    const cursor = this.cursors.get(group);
    this.flushes.set(group, kept);
    if (cursor !== undefined)
      this.cursors.set(group, { ...cursor, fs, asOf: kept.at(-1)?.asOf ?? 0 });
  }

  /** Every bar that a group wrote, in order. */
  rows(group: number): StoredRow[] {
    return (this.flushes.get(group) ?? []).flatMap((flush) => flush.rows);
  }

  async answer(request: Request): Promise<Response> {
    const parsed = requestSchema.parse(await request.json());
    if (this.hangs) return await new Promise<never>(() => {});
    const drains = parsed.queries[0]?.query.includes("drain_begin") === true;
    const { refuses } = this;
    const isRefused = refuses !== null && parsed.queries.some(({ query }) => refuses.test(query));
    if (this.away || isRefused)
      return Response.json({ message: "the database is away" }, { status: 503 });
    try {
      const results = this.#commit(parsed.queries);
      if (drains && this.loseAnswers > 0) {
        this.loseAnswers -= 1;
        throw new TypeError("the connection was lost");
      }
      return Response.json("single" in parsed ? results[0] : { results });
    } catch (error) {
      if (!(error instanceof SqlError)) throw error;
      const { message, code, detail, constraint } = error;
      return Response.json(
        { message, code, detail, constraint, severity: "ERROR" },
        { status: 400 },
      );
    }
  }

  #commit(statements: readonly Statement[]) {
    const undo = structuredClone([this.drains, this.flushes, this.cursors, this.quotes] as const);
    const days = this.daily.written.length;
    try {
      return statements.map((statement) => this.#run(statement));
    } catch (error) {
      refill(this.drains, undo[0]);
      refill(this.flushes, undo[1]);
      refill(this.cursors, undo[2]);
      this.daily.written.length = days;
      refill(this.quotes, undo[3]);
      throw error;
    }
  }

  #run({ query, params }: Statement) {
    const args = params.map((value) => (value === null ? null : String(value)));
    const written = [...this.flushes.values()].flat().flatMap((flush) => flush.rows);
    const believed = answerBeliefs(query, args, { written, members: this.members });
    if (believed !== null) {
      const answer = query.includes(") block") ? blockResult : result;
      return answer([...BAR_FIELDS, ...believed.fields], believed.rows.map(believedValues));
    }
    const text = answerTexts(query, args, { written, members: this.members });
    if (text !== null) return text;
    const audited = this.audit.answer(query, args, this.flushes);
    if (audited !== null) return audited;
    if (query.includes("as violating"))
      return result(READING_FIELDS, this.slo.read(query, args, parseArray));
    if (/corporate_action|macro_factors|options_metrics/.test(query))
      return this.actions.answer(query, args);
    if (query.includes("config_audit")) return this.configAudit.answer(query, args);
    if (query.includes("drain_begin")) return this.#drainBegin(args);
    if (query.includes("drain_end")) return this.#drainEnd(args);
    if (query.includes("drain_trial_end")) throw new SqlError("MDS04", "the trial is good", "");
    if (query.includes("parked_rows")) return this.parked.answer(query, args);
    if (query.includes("unnest(c.holes)")) return result(HOLE_FIELDS, []);
    if (query.includes("backfill_jobs")) return this.letters.answer(query, args);
    if (
      /drop_expired|forget_expired|keep_from|days_to_pack|pack_day|stor(?:e|ing|ed)_hours/.test(
        query,
      )
    )
      return this.retention.answer(query, args);
    if (/ensure_(day|year|quote)_partitions/.test(query)) return result([], []);
    // Tiers are not placed here.
    if (query.trim().endsWith(" as known")) return result([["known", BOOL]], [["f"]]);
    if (query.includes("candles_daily")) return this.#days(this.daily, query, args);
    if (/^\n(insert into candles_intraday|select c.symbol.*join candles_intraday)/s.test(query))
      return this.#days(this.history, query, args);
    if (query.startsWith("\ninsert into ingestion_cursor as c")) return result([], []);
    if (query.includes("insert into group_cursor")) return this.#makeCursor(args);
    if (query.includes("for update")) return result([], []);
    if (query.includes("active order by symbol")) return listActive(this.members);
    if (query.includes("insert into candles_intraday")) return this.#storeFlush(args);
    if (query.includes("as asked (symbol)")) return listUnknown(this.members, args);
    if (query.includes("from universe_versions")) return listKnown(this.members, args);
    if (query.includes("insert into quotes_l1")) {
      const column = (index: number) => parseArray(args[index - 1] ?? "{}");
      storeQuotes(this.quotes, column, Date.parse(args[16] ?? ""));
      return result([], []);
    }
    if (query.includes("from quotes_l1"))
      return result(QUOTE_FIELDS, findQuotes(this.quotes, args).map(quoteValues));
    if (query.includes("where tier =")) return listTier(this.members);
    if (query.includes("where symbol = any($1")) return listTiers(this.members, args);
    if (query.includes("and symbol >= $2")) return listFrom(this.members, args);
    if (query.includes("from symbol_universe")) return listMembers(this.members, args);
    if (query.includes("join ingestion_cursor")) return this.#countCoverage(args);
    if (query.includes("from group_cursor")) return this.#listCursors(args);
    if (query.includes("raise_as_of")) return this.#raiseAsOf(args);
    if (query.includes("from candles_intraday")) return this.#readBars(args);
    if (query.includes("from schema_migrations")) return this.#version();
    throw new SqlError("42601", `the fake does not know: ${query.slice(0, 80)}`, "");
  }

  #version() {
    if (this.migration === "absent")
      throw new SqlError("42P01", 'relation "schema_migrations" does not exist', "");
    return result([["newest", TEXT]], [[this.migration]]);
  }

  #drainBegin(args: readonly (string | null)[]) {
    const [group, , epoch, from, to] = [
      place(args),
      args[1],
      args[2] ?? "",
      Number(args[3]),
      Number(args[4]),
    ] as const;
    const cursor = this.cursors.get(group);
    if (cursor !== undefined && epoch < cursor.epoch)
      throw new SqlError("MDS03", "stale epoch", String(cursor.fs));
    const fs = cursor?.epoch === epoch ? cursor.fs : 0;
    if (fs >= to) throw new SqlError("MDS01", "already drained", String(fs));
    if (fs !== from - 1) throw new SqlError("MDS02", `stands at flush ${fs}`, String(fs));
    const drains = this.drains.get(group) ?? [];
    drains.push([from, to]);
    this.drains.set(group, drains);
    return result([], []);
  }

  #drainEnd(args: readonly (string | null)[]) {
    const group = place(args);
    const asOf = Date.parse(args[4] ?? "");
    const before = this.cursors.get(group);
    this.cursors.set(group, {
      epoch: args[2] ?? "",
      fs: Number(args[3]),
      asOf: Math.max(before?.asOf ?? 0, asOf),
      watermark: typeof args[5] === "string" ? Date.parse(args[5]) : (before?.watermark ?? null),
    });
    return result([], []);
  }

  #storeFlush(args: readonly (string | null)[]) {
    const column = (index: number) => parseArray(args[index - 1] ?? "{}");
    const asOf = Date.parse(args[15] ?? "");
    const group = Number(args[22]);
    if (column(1).some((symbol) => this.refusedSymbols.has(symbol)))
      throw new SqlError("23514", "a price is refused", "", "candles_intraday_prices");
    const rows = column(1).map((symbol, at): StoredRow => ({
      symbol,
      ts: Number(column(2)[at]),
      close: Number(column(6)[at]),
      revision: Number(column(10)[at]),
      provider: column(11)[at] ?? "",
      status: column(13)[at] ?? "",
      asOf,
    }));
    const gaps = column(17).map(
      (symbol, at) =>
        [symbol, Number(column(18)[at]), Number(column(19)[at]), column(20)[at] ?? ""] as const,
    );
    const stored = this.flushes.get(group) ?? [];
    stored.push({ epoch: args[24] ?? "", fs: Number(args[25]), asOf, rows, gaps });
    this.flushes.set(group, stored);
    return result([], []);
  }

  #days(bars: FakeDaily, query: string, args: readonly (string | null)[]) {
    const column = (index: number) => parseArray(args[index - 1] ?? "{}");
    const argument = (index: number) => args[index - 1] ?? "";
    if (query.includes("insert into candles_revisions")) {
      bars.store(column, argument);
      return result([], []);
    }
    if (query.includes("returning")) {
      const written = bars.write(column, argument);
      return result(
        DAY_FIELDS.slice(0, 2),
        written.map((day) => dayValues(day).slice(0, 2)),
      );
    }
    return result(DAY_FIELDS, bars.read(column).map(dayValues));
  }

  /** The history lane needs a row to lock. */
  #makeCursor(args: readonly (string | null)[]) {
    const group = Number(args[0]);
    const first = { epoch: "0", fs: 0, asOf: 0, watermark: null };
    this.cursors.set(group, this.cursors.get(group) ?? first);
    return result([], []);
  }

  #listCursors(args: readonly (string | null)[]) {
    const groups = parseArray(args[0] ?? "{}").map(Number);
    const streams = groups.flatMap((group) => [
      { group, name: "bars", cursor: this.cursors.get(group) },
      { group, name: "quotes", cursor: this.cursors.get(quotesPlace(group)) },
    ]);
    const rows = streams.flatMap(({ group, name, cursor }) => {
      if (cursor === undefined) return [];
      const watermark = cursor.watermark === null ? null : timestamp(cursor.watermark);
      return [
        [
          String(group),
          name,
          cursor.epoch,
          String(cursor.fs),
          timestamp(cursor.asOf),
          watermark,
          null,
        ],
      ];
    });
    return result(
      [
        ["group", INT4],
        ["class", TEXT],
        ["epoch", TEXT],
        ["fs", INT8],
        ["as_of", TIMESTAMPTZ],
        ["watermark_1m", TIMESTAMPTZ],
        ["watermark_1d", TIMESTAMPTZ],
      ],
      rows,
    );
  }

  #raiseAsOf(args: readonly (string | null)[]) {
    const group = Number(args[0]);
    const [epoch, fs, asOf] = [args[2] ?? "", Number(args[3]), Date.parse(args[4] ?? "")];
    const before = this.cursors.get(group);
    if (fs === 0 && (before === undefined || before.epoch < epoch)) {
      const watermark = before?.watermark ?? null;
      this.cursors.set(group, { epoch, fs, asOf: before?.asOf ?? 0, watermark });
    }
    const cursor = this.cursors.get(group);
    if (cursor?.epoch === epoch && cursor.fs === fs) cursor.asOf = Math.max(cursor.asOf, asOf);
    return result(
      [["as_of", TIMESTAMPTZ]],
      [[cursor === undefined ? null : timestamp(cursor.asOf)]],
    );
  }

  #countCoverage(args: readonly (string | null)[]) {
    const counted = countStored(
      (place) => parseArray(args[place - 1] ?? "{}"),
      (group) => ({
        flushes: this.flushes.get(group) ?? [],
        watermark: this.cursors.get(group)?.watermark ?? null,
      }),
    );
    return result(
      COUNTED_FIELDS,
      counted.map((values) => values.map((value) => JSON.stringify(value))),
    );
  }

  #readBars(args: readonly (string | null)[]) {
    const symbols = parseArray(args[0] ?? "{}");
    const starts = parseArray(args[1] ?? "{}").map((text) => Date.parse(text));
    const [startMs, endMs, asOf] = [2, 3, 4].map((index) => Date.parse(args[index] ?? ""));
    const newest = new Map<string, StoredRow>();
    for (const row of [...this.flushes.values()].flat().flatMap((flush) => flush.rows)) {
      const from = Math.max(starts[symbols.indexOf(row.symbol)] ?? Infinity, startMs ?? 0);
      if (row.ts < from || row.ts >= (endMs ?? 0) || row.asOf > (asOf ?? 0)) continue;
      newest.set(`${row.symbol} ${row.ts}`, row);
    }
    const page = [...newest.values()].toSorted((a, b) =>
      a.symbol < b.symbol ? -1 : a.symbol > b.symbol ? 1 : a.ts - b.ts,
    );
    return blockResult(BAR_FIELDS, page.slice(0, Number(args[5])).map(barValues));
  }
}

const HOLE_FIELDS = [
  ["symbol", TEXT],
  ["from_ts", TIMESTAMPTZ],
  ["to_ts", TIMESTAMPTZ],
] as const;

const DAY_FIELDS = [
  ["symbol", TEXT],
  ["ts", TIMESTAMPTZ],
  ["open", FLOAT8],
  ["high", FLOAT8],
  ["low", FLOAT8],
  ["close", FLOAT8],
  ["volume", FLOAT8],
  ["vwap", FLOAT8],
  ["trade_count", INT8],
  ["asked_at", TIMESTAMPTZ],
  ["provider", TEXT],
  ["feed", TEXT],
  ["revision", INT4],
] as const;

function dayValues(day: StoredDay): (string | null)[] {
  const price = String(day.close);
  return [
    day.symbol,
    timestamp(day.ts),
    price,
    price,
    price,
    price,
    "100",
    price,
    "10",
    timestamp(day.askedAt),
    day.provider,
    "sip",
    String(day.revision),
  ];
}

function place(args: readonly (string | null)[]): number {
  return args[1] === "quotes" ? quotesPlace(Number(args[0])) : Number(args[0]);
}

const QUOTE_FIELDS = [
  ["symbol", TEXT],
  ["ts", TIMESTAMPTZ],
  ["ns_of_ms", INT4],
  ["bid", FLOAT8],
  ["ask", FLOAT8],
  ["bid_size", FLOAT8],
  ["ask_size", FLOAT8],
  ["size_unit", TEXT],
  ["last", FLOAT8],
  ["last_ts", TIMESTAMPTZ],
  ["provider", TEXT],
  ["feed", TEXT],
  ["venue", TEXT],
  ["consolidated", BOOL],
  ["status", TEXT],
  ["asked_at", TIMESTAMPTZ],
  ["as_of", TIMESTAMPTZ],
] as const;

function quoteValues({ symbol, ts, bid, asOf }: StoredQuote): (string | null)[] {
  const price = bid === null ? null : String(bid);
  const sizes = [null, null, null];
  const source = ["polygon", "sip", null, "t", "first"];
  const at = timestamp(asOf);
  return [symbol, timestamp(ts), "0", price, null, ...sizes, null, null, ...source, at, at];
}

const BAR_FIELDS = [
  ["symbol", TEXT],
  ["ts", TIMESTAMPTZ],
  ["open", FLOAT8],
  ["high", FLOAT8],
  ["low", FLOAT8],
  ["close", FLOAT8],
  ["volume", FLOAT8],
  ["vwap", FLOAT8],
  ["trade_count", INT8],
  ["as_of", TIMESTAMPTZ],
  ["asked_at", TIMESTAMPTZ],
  ["provider", TEXT],
  ["feed", TEXT],
  ["session", TEXT],
  ["status", TEXT],
  ["revision", INT4],
] as const;

function believedValues({ row, further }: BelievedRow): (string | null)[] {
  return [...barValues(row), ...further];
}

function barValues(row: StoredRow): (string | null)[] {
  const price = String(row.close);
  return [
    row.symbol,
    timestamp(row.ts),
    price,
    price,
    price,
    price,
    "100",
    price,
    "10",
    timestamp(row.asOf),
    timestamp(row.asOf),
    row.provider,
    "sip",
    "regular",
    row.status,
    String(row.revision),
  ];
}

function refill<K, V>(target: Map<K, V>, content: ReadonlyMap<K, V>): void {
  target.clear();
  for (const [key, value] of content) target.set(key, value);
}
