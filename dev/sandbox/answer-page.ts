import { z } from "zod";

/** One row of an answer and, where it names one, its symbol. */
export interface PageRow {
  readonly symbol: string | null;
  readonly fields: Readonly<Record<string, unknown>>;
}

/**
 * A good answer, whatever its provider: what a fault changes. `bars` have a time and prices, `quotes`
 * are one a symbol, a `list` has neither.
 */
export interface AnswerPage {
  readonly kind: "bars" | "quotes" | "list";
  /** The symbol that the whole page is of; null where the rows say it, or nothing does. */
  readonly subject: string | null;
  readonly rows: readonly PageRow[];
  /** Token or URL of the next page; null on the last one, undefined where there are no pages. */
  readonly next: string | null | undefined;
}

/** A page, and how to write a changed one in the same shape. `count` is what the answer claims to hold. */
export interface PageForm {
  readonly page: AnswerPage;
  write(page: AnswerPage, count: number): unknown;
}

const rowSchema = z.record(z.string(), z.unknown());
type Fields = z.infer<typeof rowSchema>;

const listSchema = z.array(rowSchema);
const multiSchema = z.looseObject({
  bars: z.record(z.string(), z.array(rowSchema)),
  next_page_token: z.string().nullable(),
});
const singleSchema = z.looseObject({
  bars: z.array(rowSchema),
  symbol: z.string(),
  next_page_token: z.string().nullable(),
});
const quotesSchema = z.looseObject({ quotes: z.record(z.string(), rowSchema) });
const columnNames = ["c", "h", "l", "o", "t", "v"] as const;
const columnSchema = z.array(z.unknown()).default([]);
const candleSchema = z.object({
  s: z.enum(["ok", "no_data"]),
  c: columnSchema,
  h: columnSchema,
  l: columnSchema,
  o: columnSchema,
  t: columnSchema,
  v: columnSchema,
});
const quoteSchema = z.looseObject({ c: z.number(), pc: z.number(), t: z.number() });
const resultsSchema = z.looseObject({
  status: z.string(),
  ticker: z.string().optional(),
  results: z.array(rowSchema).default([]),
  next_url: z.string().optional(),
});

const anonymous = (fields: Fields): PageRow => ({ symbol: null, fields });
const fieldsOf = ({ rows }: AnswerPage): readonly Fields[] => rows.map(({ fields }) => fields);

function multiForm(body: z.infer<typeof multiSchema>): PageForm {
  const rows = Object.entries(body.bars).flatMap(([symbol, series]) =>
    series.map((fields) => ({ symbol, fields })),
  );
  return {
    page: { kind: "bars", subject: null, rows, next: body.next_page_token },
    write: (page) => {
      const bars: Record<string, Fields[]> = {};
      for (const { symbol, fields } of page.rows) (bars[symbol ?? "AAPL"] ??= []).push(fields);
      return { ...body, bars, next_page_token: page.next };
    },
  };
}

function singleForm(body: z.infer<typeof singleSchema>): PageForm {
  const { bars, symbol: subject, next_page_token: next } = body;
  return {
    page: { kind: "bars", subject, rows: bars.map(anonymous), next },
    write: (page) => ({
      ...body,
      bars: fieldsOf(page),
      symbol: page.subject,
      next_page_token: page.next,
    }),
  };
}

function quotesForm(body: z.infer<typeof quotesSchema>): PageForm {
  const rows = Object.entries(body.quotes).map(([symbol, fields]) => ({ symbol, fields }));
  return {
    page: { kind: "quotes", subject: null, rows, next: undefined },
    write: (page) => ({
      ...body,
      quotes: Object.fromEntries(page.rows.map(({ symbol, fields }) => [symbol ?? "AAPL", fields])),
    }),
  };
}

function candleForm(body: z.infer<typeof candleSchema>): PageForm {
  const rows = body.t.map((_, index) =>
    anonymous(Object.fromEntries(columnNames.map((name) => [name, body[name][index]]))),
  );
  return {
    page: { kind: "bars", subject: null, rows, next: undefined },
    write: (page) =>
      page.rows.length === 0
        ? { s: "no_data" }
        : {
            ...Object.fromEntries(
              columnNames.map((name) => [name, page.rows.map(({ fields }) => fields[name])]),
            ),
            s: "ok",
          },
  };
}

function quoteForm(body: Fields): PageForm {
  const nothing = { c: 0, d: null, dp: null, h: 0, l: 0, o: 0, pc: 0, t: 0 };
  return {
    page: { kind: "quotes", subject: null, rows: [anonymous(body)], next: undefined },
    write: (page) => page.rows[0]?.fields ?? nothing,
  };
}

function resultsForm(body: z.infer<typeof resultsSchema>): PageForm {
  const { results, next_url: next, ...rest } = body;
  const isQuotes = results.some((row) => "last_quote" in row || "error" in row);
  const isBars = body.ticker !== undefined || results.some((row) => "T" in row);
  const nameField = isQuotes ? "ticker" : "T";
  const symbolOf = (fields: Fields) => z.string().nullable().catch(null).parse(fields[nameField]);
  const rows = results.map((fields) => ({ symbol: symbolOf(fields), fields }));
  // The grouped day is the one answer of Polygon's that has no pages.
  const isPaged = !results.some((row) => "T" in row);
  const kind = isQuotes ? "quotes" : isBars ? "bars" : "list";
  const nameIn = ({ symbol, fields }: PageRow) =>
    symbol === null ? fields : { ...fields, [nameField]: symbol };
  return {
    page: { kind, subject: body.ticker ?? null, rows, next: isPaged ? (next ?? null) : undefined },
    write: (page, count) => ({
      ...rest,
      ...(page.subject === null ? {} : { ticker: page.subject }),
      ...("queryCount" in rest ? { queryCount: count, resultsCount: count } : {}),
      ...("count" in rest ? { count } : {}),
      ...(page.rows.length === 0 ? {} : { results: page.rows.map(nameIn) }),
      ...(typeof page.next === "string" ? { next_url: page.next } : {}),
    }),
  };
}

function listForm(body: readonly Fields[]): PageForm {
  return {
    page: { kind: "list", subject: null, rows: body.map(anonymous), next: undefined },
    write: (page) => fieldsOf(page),
  };
}

const formSchema = z.union([
  listSchema.transform(listForm),
  multiSchema.transform(multiForm),
  singleSchema.transform(singleForm),
  quotesSchema.transform(quotesForm),
  candleSchema.transform(candleForm),
  quoteSchema.transform(quoteForm),
  resultsSchema.transform(resultsForm),
]);

/** Read the body of a good answer by its shape. Throws when no provider answers so. */
export function readAnswerPage(body: string): PageForm {
  return formSchema.parse(JSON.parse(body));
}
