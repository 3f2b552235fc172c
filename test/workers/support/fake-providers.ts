import { newYorkMs } from "../../../src/domain/new-york-time.ts";
const MINUTE_MS = 60_000;

/** How a provider answers: its bars, a status without content, a body of its own, or never. */
export type Mood =
  | { readonly kind: "bars" }
  | { readonly kind: "status"; readonly status: number; readonly body?: string }
  | { readonly kind: "hang"; readonly until: Promise<void> };

type Name = "alpaca" | "polygon";

/** A quote as polygon writes it: 0 is an empty side. */
export interface FakeQuote {
  readonly ts: number;
  readonly bid: number;
  readonly ask: number;
}

/** A limit on the calls of a calendar minute of `now`. */
export interface Quota {
  readonly calls: number;
  /** Its headers say what is left. */
  readonly named: boolean;
  /** Nobody hears of it before one call too many has come. */
  readonly late?: boolean;
  readonly now: () => number;
}

/** The bars API of one provider over scripted closes: `at(symbol, ts)` is its close, null = no bar. */
export class FakeProvider {
  readonly name: Name;
  mood: Mood = { kind: "bars" };
  at: (symbol: string, ts: number) => number | null = () => null;
  /** Closes of daily bars by trading date and symbol. */
  readonly days = new Map<string, Readonly<Record<string, number>>>();
  /** Daily bars of whom: `*` is a call for the whole market. */
  readonly dayCalls: string[] = [];
  /** Calls of a calendar minute; null: no limit. */
  quota: Quota | null = null;
  /** Calls by the minute in which they came, refused ones too. */
  readonly callsOfMinute = new Map<number, number>();
  /** What its plan refuses; null: it answers. */
  refuse: (asked: Asked) => Response | null = () => null;
  /** Symbols that it calls malformed or does not know. */
  unknown = new Set<string>();
  /** Symbols of each call for bars, in the order of the calls. */
  readonly calls: string[][] = [];
  /** The newest quote of a symbol; null = none. */
  quoteOf: (symbol: string) => FakeQuote | null = () => null;
  /** Symbols of each call for quotes. */
  readonly quoteCalls: string[][] = [];

  constructor(name: Name) {
    this.name = name;
  }

  reset(): void {
    this.mood = { kind: "bars" };
    this.at = () => null;
    this.unknown = new Set();
    this.refuse = () => null;
    this.quota = null;
    this.callsOfMinute.clear();
    this.calls.length = 0;
    this.days.clear();
    this.dayCalls.length = 0;
    this.quoteOf = () => null;
    this.quoteCalls.length = 0;
  }

  async answer(url: URL): Promise<Response> {
    if (url.pathname === "/v3/snapshot") return this.#snapshot(url);
    if (url.pathname === "/v2/stocks/quotes/latest") return this.#latestQuotes(url);
    if (this.quota === null) return await this.#answer(url);
    const { calls, named, late = false, now } = this.quota;
    const minuteMs = Math.floor(now() / MINUTE_MS) * MINUTE_MS;
    const used = (this.callsOfMinute.get(minuteMs) ?? 0) + 1;
    this.callsOfMinute.set(minuteMs, used);
    // Each call looks for itself: in workerd none may end another's wait.
    while (late && (this.callsOfMinute.get(minuteMs) ?? 0) <= calls) await scheduler.wait(20);
    const answer = used > calls ? new Response("", { status: 429 }) : await this.#answer(url);
    if (named) {
      answer.headers.set("x-ratelimit-remaining", String(Math.max(calls - used, 0)));
      answer.headers.set("x-ratelimit-reset", String((minuteMs + MINUTE_MS) / 1_000));
    }
    return answer;
  }

  async #answer(url: URL): Promise<Response> {
    const { pathname, searchParams } = url;
    if (pathname.includes("/aggs/grouped/")) return this.#grouped(pathname.split("/").at(-1) ?? "");
    if (searchParams.get("timeframe") === "1Day") return this.#alpacaDays(searchParams);
    const asked = this.name === "alpaca" ? alpacaAsked(url) : polygonAsked(url);
    this.calls.push(asked.symbols);
    const { mood } = this;
    if (mood.kind === "status") return new Response(mood.body ?? "", { status: mood.status });
    if (mood.kind === "hang") await mood.until;
    const refusal = this.refuse(asked);
    if (refusal !== null) return refusal;
    const bad = asked.symbols.find((symbol) => this.unknown.has(symbol));
    if (bad !== undefined) {
      if (this.name === "alpaca")
        return Response.json({ message: `invalid symbol: ${bad}` }, { status: 400 });
      return Response.json({ status: "NOT_FOUND", message: "unknown ticker" }, { status: 404 });
    }
    return this.name === "alpaca" ? this.#alpaca(asked) : this.#polygon(asked);
  }

  #snapshot(url: URL): Response {
    const tickers = (url.searchParams.get("ticker.any_of") ?? "").split(",");
    this.quoteCalls.push(tickers);
    const { mood } = this;
    if (mood.kind === "status") return new Response(mood.body ?? "", { status: mood.status });
    const rows = tickers.map((ticker) => {
      const quote = this.quoteOf(ticker);
      if (quote === null) return `{"ticker":"${ticker}","type":"stocks"}`;
      const { ts, bid, ask } = quote;
      const sides = `"bid":${bid},"ask":${ask},"bid_size":1,"ask_size":2`;
      return `{"ticker":"${ticker}","type":"stocks","last_quote":{${sides},"last_updated":${ts}000000,"timeframe":"REAL-TIME"}}`;
    });
    return new Response(`{"status":"OK","results":[${rows.join(",")}]}`);
  }

  /** Of one venue, as provider iex reads them: the exchange code is IEX's. */
  #latestQuotes(url: URL): Response {
    const symbols = (url.searchParams.get("symbols") ?? "").split(",");
    this.quoteCalls.push(symbols);
    const quotes = symbols.flatMap((symbol) => {
      const quote = this.quoteOf(symbol);
      if (quote === null) return [];
      const { ts, bid: bp, ask: ap } = quote;
      const sizes = { bs: 100, as: 200, bx: "V", ax: "V" };
      return [[symbol, { t: new Date(ts).toISOString(), bp, ap, ...sizes }] as const];
    });
    return Response.json({ quotes: Object.fromEntries(quotes) });
  }

  #alpaca(asked: Asked): Response {
    const bars = asked.symbols.map((symbol) => {
      const rows = this.#closes(symbol, asked).map(([ts, c]) => ({
        t: new Date(ts).toISOString(),
        ...values(c),
      }));
      return [symbol, rows] as const;
    });
    return Response.json({
      bars: Object.fromEntries(bars.filter(([, rows]) => rows.length > 0)),
      next_page_token: null,
    });
  }

  /** Polygon's daily bars of the whole market. */
  #grouped(date: string): Response {
    this.dayCalls.push(`* ${date}`);
    if (this.mood.kind === "status") return new Response("", { status: this.mood.status });
    const results = Object.entries(this.days.get(date) ?? {}).map(([T, close]) => ({
      T,
      t: newYorkMs(date, 960),
      ...values(close),
    }));
    return Response.json({ status: "OK", adjusted: false, resultsCount: results.length, results });
  }

  #alpacaDays(query: URLSearchParams): Response {
    const symbols = (query.get("symbols") ?? "").split(",");
    const [startMs = 0, endMs = 0] = ["start", "end"].map((name) =>
      Date.parse(query.get(name) ?? ""),
    );
    this.dayCalls.push(symbols.join(","));
    if (this.mood.kind === "status") return new Response("", { status: this.mood.status });
    const bars = symbols.map((symbol) => {
      const rows = [...this.days]
        .map(([date, closes]) => ({ ms: newYorkMs(date, 0), close: closes[symbol] }))
        .filter(({ ms, close }) => close !== undefined && ms >= startMs && ms <= endMs)
        .map(({ ms, close }) => ({ t: new Date(ms).toISOString(), ...values(close ?? 0) }));
      return [symbol, rows] as const;
    });
    return Response.json({
      bars: Object.fromEntries(bars.filter(([, rows]) => rows.length > 0)),
      next_page_token: null,
    });
  }

  #polygon(asked: Asked): Response {
    const [ticker = ""] = asked.symbols;
    const results = this.#closes(ticker, asked).map(([t, c]) => ({ t, ...values(c) }));
    return Response.json({
      ticker,
      status: "OK",
      adjusted: false,
      ...(results.length > 0 ? { results } : {}),
    });
  }

  #closes(symbol: string, { startMs, endMs }: Asked): [number, number][] {
    const closes: [number, number][] = [];
    for (let ts = Math.ceil(startMs / MINUTE_MS) * MINUTE_MS; ts <= endMs; ts += MINUTE_MS) {
      const close = this.at(symbol, ts);
      if (close !== null) closes.push([ts, close]);
    }
    return closes;
  }
}

/** What a call asked for. */
interface Asked {
  readonly symbols: string[];
  readonly startMs: number;
  /** Inclusive. */
  readonly endMs: number;
}

function alpacaAsked(url: URL): Asked {
  const { searchParams } = url;
  return {
    symbols: (searchParams.get("symbols") ?? "").split(","),
    startMs: Date.parse(searchParams.get("start") ?? ""),
    endMs: Date.parse(searchParams.get("end") ?? ""),
  };
}

function polygonAsked(url: URL): Asked {
  const [ticker = "", , , , start, end] = url.pathname.split("/").slice(4);
  return { symbols: [decodeURIComponent(ticker)], startMs: Number(start), endMs: Number(end) };
}

function values(close: number) {
  return { o: close, h: close, l: close, c: close, v: 100, n: 10, vw: close };
}
