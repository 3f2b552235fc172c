import { DAY_MS } from "../../src/domain/time.ts";
import { encodePageToken } from "./alpaca-page-token.ts";
import { readAnswerPage } from "./answer-page.ts";
import type { AnswerPage, PageRow } from "./answer-page.ts";
import type { SpoilingFault } from "./fault.ts";
import { parseRfc3339OrDate } from "./instants.ts";
import type { Reply } from "./reply.ts";

/** What a fault needs to know of the call that it spoils. */
export interface SpoilContext {
  readonly url: URL;
  readonly baseUrl: string;
  /** Symbols of the market in the provider's spelling, any order. */
  readonly symbols: readonly string[];
}

const WEEK_MS = 7 * DAY_MS;
/** A trade of August, served in December (Alpaca-API#267). */
const STALE_MS = 120 * DAY_MS;
const FOREIGN_PRICE = 1.5;
const FOREIGN_ROWS = 3;
const UNLISTED = "ZZZZZ";
const KEPT_SHARE = 0.6;
const TIME_FIELDS: ReadonlySet<string> = new Set(["t", "last_updated"]);
const PRICE_FIELDS: ReadonlySet<string> = new Set([
  "o",
  "h",
  "l",
  "c",
  "vw",
  "bp",
  "ap",
  "bid",
  "ask",
]);

type Change = (value: unknown, name: string) => unknown;

/** Every field, those inside objects too. */
function mapFields(row: PageRow, change: Change): PageRow {
  const walk: Change = (value, name) => {
    if (Array.isArray(value)) return value.map((member) => walk(member, name));
    if (typeof value !== "object" || value === null) return change(value, name);
    return Object.fromEntries(
      Object.entries(value).map(([inner, member]) => [inner, walk(member, inner)]),
    );
  };
  const fields: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(row.fields)) fields[name] = walk(value, name);
  return { ...row, fields };
}

const swapType: Change = (value) => {
  if (typeof value === "number") return String(value);
  return typeof value === "string" ? 0 : value;
};

/** Numbers to 0, but a bar keeps its time: without it nothing could be stored anyway. */
function zeroFill(kind: AnswerPage["kind"]): Change {
  return (value, name) =>
    typeof value === "number" && !(kind === "bars" && name === "t") ? 0 : value;
}

/** Times as the providers write them: text, seconds, milliseconds or nanoseconds, told by their size. */
function earlier(byMs: number): Change {
  return (value, name) => {
    if (!TIME_FIELDS.has(name)) return value;
    if (typeof value === "string") {
      return new Date(Date.parse(value) - byMs).toISOString().replace(".000Z", "Z");
    }
    if (typeof value !== "number" || value === 0) return value;
    if (value < 1e11) return value - byMs / 1_000;
    return value < 1e14 ? value - byMs : value - byMs * 1e6;
  };
}

const otherPrice: Change = (value, name) =>
  typeof value === "number" && PRICE_FIELDS.has(name)
    ? Math.round(value * FOREIGN_PRICE * 100) / 100
    : value;

/** The first traded symbol that is neither in the call nor in its answer. */
function foreignSymbol(page: AnswerPage, { url, symbols }: SpoilContext): string {
  const query = url.searchParams;
  const asked = `${query.get("symbols") ?? ""},${query.get("ticker.any_of") ?? ""}`.split(",");
  const known = new Set([...asked, page.subject, ...page.rows.map(({ symbol }) => symbol)]);
  return symbols.find((symbol) => !known.has(symbol)) ?? UNLISTED;
}

function withForeignDates(page: AnswerPage): AnswerPage {
  if (page.kind === "list") return page;
  if (page.kind === "quotes") {
    return { ...page, rows: page.rows.map((row) => mapFields(row, earlier(STALE_MS))) };
  }
  const foreign = page.rows
    .slice(0, FOREIGN_ROWS)
    .map((row) => mapFields(mapFields(row, earlier(WEEK_MS)), otherPrice));
  return { ...page, rows: [...foreign.slice(0, 1), ...page.rows, ...foreign.slice(1)] };
}

function withForeignSymbols(page: AnswerPage, context: SpoilContext): AnswerPage {
  const isNamed = page.rows.some(({ symbol }) => symbol !== null);
  if (page.kind === "list" || (!isNamed && page.subject === null)) return page;
  const symbol = foreignSymbol(page, context);
  if (page.subject !== null) {
    return { ...page, subject: symbol, rows: page.rows.map((row) => mapFields(row, otherPrice)) };
  }
  const foreign = page.rows
    .slice(0, FOREIGN_ROWS)
    .map((row) => ({ ...mapFields(row, otherPrice), symbol }));
  return {
    ...page,
    rows: [...page.rows, ...foreign.slice(0, page.kind === "quotes" ? 1 : undefined)],
  };
}

/** The cursor of the page itself, as its provider writes cursors. Undefined where none can be made. */
function ownCursor(page: AnswerPage, { url, baseUrl }: SpoilContext): string | undefined {
  if (page.next === undefined) return undefined;
  if (!url.pathname.startsWith("/v2/stocks/")) {
    const own = new URL(url.pathname + url.search, baseUrl);
    own.searchParams.delete("apiKey");
    return own.toString();
  }
  const given = url.searchParams.get("page_token");
  if (given !== null) return given;
  const [first] = page.rows;
  const symbol = first?.symbol ?? page.subject;
  const time = first?.fields["t"];
  const ts = typeof time === "string" ? parseRfc3339OrDate(time, "start") : undefined;
  if (symbol === null || ts === undefined) return undefined;
  const isDaily = (url.searchParams.get("timeframe") ?? "").startsWith("1D");
  return encodePageToken({ symbol, ts }, isDaily ? "1d" : "1m");
}

function change(fault: SpoilingFault, page: AnswerPage, context: SpoilContext): AnswerPage {
  const last = page.next === undefined ? undefined : null;
  switch (fault) {
    case "bad_schema": {
      const rows = page.rows.length > 0 ? page.rows : [{ symbol: null, fields: { t: true } }];
      return { ...page, rows: rows.map((row) => mapFields(row, swapType)) };
    }
    case "empty_200":
      return { ...page, rows: [], next: last };
    case "short_page":
      return { ...page, rows: page.rows.slice(0, Math.floor(page.rows.length / 2)), next: last };
    case "repeated_cursor":
      return { ...page, next: ownCursor(page, context) ?? page.next };
    case "foreign_dates":
      return withForeignDates(page);
    case "foreign_symbols":
      return withForeignSymbols(page, context);
    case "duplicate_rows":
      return { ...page, rows: page.rows.flatMap((row) => [row, row]) };
    case "zero_filled":
      if (page.kind === "list") return page;
      return { ...page, rows: page.rows.map((row) => mapFields(row, zeroFill(page.kind))) };
    case "truncated_page":
      return page;
  }
}

/** A good answer with the fault in it; one that is no 200 stays as it is. */
export function spoil(fault: SpoilingFault, reply: Reply, context: SpoilContext): Reply {
  if (reply.status !== 200) return reply;
  if (fault === "truncated_page") {
    return { ...reply, body: reply.body.slice(0, Math.floor(reply.body.length * KEPT_SHARE)) };
  }
  const form = readAnswerPage(reply.body);
  const { page } = form;
  const changed = change(fault, page, context);
  // A short page still claims what it has lost: that is how it can be told.
  const count = fault === "short_page" ? page.rows.length : changed.rows.length;
  return { ...reply, body: JSON.stringify(form.write(changed, count)) };
}
