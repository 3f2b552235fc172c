import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { readAnswerPage } from "../../../dev/sandbox/answer-page.ts";
import type { AnswerPage } from "../../../dev/sandbox/answer-page.ts";
import type { SandboxEndpoint, SandboxProvider } from "../../../dev/sandbox/endpoint.ts";
import type { SpoilingFault } from "../../../dev/sandbox/fault.ts";
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, toIso } from "../../../src/domain/time.ts";
import { hasPayloads, payloadText } from "../../support/provider-payloads.ts";
import {
  ALPACA_HEADERS,
  FINNHUB_HEADERS,
  IEX_HEADERS,
  OPEN_MS,
  POLYGON_HEADERS,
  startTestSandbox,
} from "../../support/running-sandbox.ts";
import type { RunningSandbox } from "../../support/running-sandbox.ts";

interface Call {
  readonly path: string;
  readonly headers: Record<string, string>;
}

const HALF_HOUR_MS = OPEN_MS + 30 * MINUTE_MS;
const AGGS = `/v2/aggs/ticker/AAPL/range/1/minute/${OPEN_MS}/${HALF_HOUR_MS}?adjusted=false`;
const MULTI = `/v2/stocks/bars?timeframe=1Min&symbols=AAPL,MSFT&start=${toIso(OPEN_MS)}`;
const CANDLE = `/api/v1/stock/candle?symbol=AAPL&resolution=1&from=${OPEN_MS / SECOND_MS}&to=${HALF_HOUR_MS / SECOND_MS}`;
const CALLS = {
  multi: { path: `${MULTI}&limit=100`, headers: ALPACA_HEADERS },
  single: {
    path: `/v2/stocks/AAPL/bars?timeframe=1Day&start=2026-03-02&limit=5`,
    headers: ALPACA_HEADERS,
  },
  quotes: { path: "/v2/stocks/quotes/latest?symbols=AAPL,MSFT", headers: ALPACA_HEADERS },
  iex: { path: "/v2/stocks/quotes/latest?symbols=AAPL&feed=iex", headers: IEX_HEADERS },
  assets: { path: "/v2/assets", headers: ALPACA_HEADERS },
  aggs: { path: `${AGGS}&limit=20`, headers: POLYGON_HEADERS },
  grouped: {
    path: "/v2/aggs/grouped/locale/us/market/stocks/2026-03-19",
    headers: POLYGON_HEADERS,
  },
  snapshot: { path: "/v3/snapshot?ticker.any_of=AAPL,MSFT", headers: POLYGON_HEADERS },
  tickers: { path: "/v3/reference/tickers?limit=20", headers: POLYGON_HEADERS },
  candle: { path: CANDLE, headers: FINNHUB_HEADERS },
  quote: { path: "/api/v1/quote?symbol=AAPL", headers: FINNHUB_HEADERS },
  symbols: { path: "/api/v1/stock/symbol?exchange=US", headers: FINNHUB_HEADERS },
} as const satisfies Record<string, Call>;
type Name = keyof typeof CALLS;
const NAMES: readonly Name[] = [
  ...(["multi", "single", "quotes", "iex", "assets", "aggs", "grouped"] as const),
  ...(["snapshot", "tickers", "candle", "quote", "symbols"] as const),
];
const BARS: readonly Name[] = ["multi", "single", "aggs", "grouped", "candle"];
const QUOTES: readonly Name[] = ["quotes", "iex", "snapshot", "quote"];
const LISTS: readonly Name[] = ["assets", "tickers", "symbols"];

const PROVIDERS: readonly SandboxProvider[] = ["alpaca", "polygon", "finnhub", "iex"];

let sandbox: RunningSandbox;
beforeAll(async () => {
  sandbox = await startTestSandbox();
  // Past the seconds in which Finnhub is unsure.
  sandbox.setNow(OPEN_MS + 2 * HOUR_MS + 30 * SECOND_MS);
});
afterEach(() => {
  for (const provider of PROVIDERS) sandbox.setFault(provider, null);
});
afterAll(() => sandbox.stop());

async function textOf({ path, headers }: Call): Promise<string> {
  const response = await sandbox.get(path, headers);
  expect(response.status).toBe(200);
  return response.text();
}

async function pageOf(name: Name, fault: SpoilingFault | null, path?: string): Promise<AnswerPage> {
  for (const provider of PROVIDERS) sandbox.setFault(provider, fault);
  return readAnswerPage(await textOf({ ...CALLS[name], ...(path === undefined ? {} : { path }) }))
    .page;
}

/** Times of the rows as milliseconds, whatever the provider writes. */
function timesOf(page: AnswerPage): number[] {
  return page.rows.map(({ fields }) => {
    const quote = z.looseObject({}).safeParse(fields["last_quote"]).data;
    const time = fields["t"] ?? quote?.["last_updated"];
    if (typeof time === "string") return Date.parse(time);
    const number = z.number().parse(time);
    if (number < 1e11) return number * SECOND_MS;
    return number < 1e14 ? number : number / 1e6;
  });
}

describe("a spoiled answer", () => {
  it.each(NAMES)("of %s without a row is well-formed and ends the pages", async (name) => {
    const well = await pageOf(name, null);
    const page = await pageOf(name, "empty_200");
    if (name === "quote") expect(page.rows[0]?.fields).toMatchObject({ c: 0, d: null, t: 0 });
    else expect(page.rows).toEqual([]);
    expect(well.rows.length).toBeGreaterThan(0);
    expect(page.next ?? null).toBeNull();
  });

  it.each(NAMES)("of %s cut in the middle is not JSON", async (name) => {
    await pageOf(name, null);
    for (const provider of PROVIDERS) sandbox.setFault(provider, "truncated_page");
    const text = await textOf(CALLS[name]);
    expect(() => {
      JSON.parse(text);
    }).toThrow(SyntaxError);
    expect(text).not.toContain("next_page_token");
  });

  it.each(NAMES)("of %s cut short lacks the later half and the cursor", async (name) => {
    const well = await pageOf(name, null);
    const page = await pageOf(name, "short_page");
    if (name === "quote") return expect(page.rows[0]?.fields["c"]).toBe(0);
    expect(page.rows).toEqual(well.rows.slice(0, Math.floor(well.rows.length / 2)));
    expect(page.next ?? null).toBeNull();
  });

  it("of Polygon cut short still claims what it lost", async () => {
    sandbox.setFault("polygon", "short_page");
    const schema = z.looseObject({ resultsCount: z.int(), results: z.array(z.unknown()) });
    const { resultsCount, results } = schema.parse(JSON.parse(await textOf(CALLS.aggs)));
    expect([resultsCount, results.length]).toEqual([20, 10]);
  });

  it.each(["multi", "single", "aggs", "tickers"] as const)(
    "of %s repeats itself for ever",
    async (name) => {
      const first = await pageOf(name, "repeated_cursor");
      const { path } = CALLS[name];
      const next = z.string().parse(first.next);
      const nextPath = next.startsWith("http")
        ? next
        : `${path}&page_token=${encodeURIComponent(next)}`;
      expect(await pageOf(name, "repeated_cursor", nextPath)).toEqual(first);
    },
  );

  it.each(BARS)("of %s has bars of a week before, at other prices", async (name) => {
    const well = await pageOf(name, null);
    const page = await pageOf(name, "foreign_dates");
    const earliest = Math.min(...timesOf(well));
    const times = timesOf(page);
    const foreign = page.rows.filter((_, index) => (times[index] ?? 0) < earliest);
    expect(foreign.length).toBe(3);
    expect(page.rows.length).toBe(well.rows.length + 3);
    expect(times[0]).toBe((timesOf(well)[0] ?? 0) - 7 * DAY_MS);
    const { o, h, l, c } = z
      .looseObject({ o: z.number(), h: z.number(), l: z.number(), c: z.number() })
      .parse(foreign[0]?.fields);
    expect(l <= Math.min(o, c) && Math.max(o, c) <= h).toBe(true);
    expect(o).not.toBe(well.rows[0]?.fields["o"]);
  });

  it.each(QUOTES)("of %s is four months old", async (name) => {
    const well = timesOf(await pageOf(name, null));
    const old = timesOf(await pageOf(name, "foreign_dates"));
    expect(old.length).toBe(well.length);
    for (const [index, time] of old.entries()) {
      expect(Math.abs((well[index] ?? 0) - 120 * DAY_MS - time)).toBeLessThanOrEqual(1);
    }
  });

  it.each(["multi", "grouped", "quotes", "iex", "snapshot"] as const)(
    "of %s has rows of a symbol that nobody asked for",
    async (name) => {
      const well = new Set((await pageOf(name, null)).rows.map(({ symbol }) => symbol));
      const { rows } = await pageOf(name, "foreign_symbols");
      const foreign = rows.filter(({ symbol }) => !well.has(symbol));
      expect(foreign.length).toBeGreaterThan(0);
      expect(CALLS[name].path).not.toContain(`${foreign[0]?.symbol},`);
    },
  );

  it.each(["single", "aggs"] as const)("of %s is another symbol's", async (name) => {
    const well = await pageOf(name, null);
    const page = await pageOf(name, "foreign_symbols");
    expect(well.subject).toBe("AAPL");
    expect(page.subject).not.toBe("AAPL");
    expect(page.rows.length).toBe(well.rows.length);
  });

  it.each([...BARS, ...LISTS])("of %s has every row twice", async (name) => {
    const well = await pageOf(name, null);
    const { rows } = await pageOf(name, "duplicate_rows");
    expect(rows.filter((_, index) => index % 2 === 0)).toHaveLength(well.rows.length);
    // A map of symbols keeps the rows of one symbol together, and so in this order.
    expect(rows).toEqual(well.rows.flatMap((row) => [row, row]));
  });

  it.each(BARS)("of %s is filled with zeros but for its times", async (name) => {
    const well = await pageOf(name, null);
    const page = await pageOf(name, "zero_filled");
    expect(timesOf(page)).toEqual(timesOf(well));
    for (const { fields } of page.rows) {
      expect([fields["o"], fields["h"], fields["l"], fields["c"], fields["v"]]).toEqual([
        0, 0, 0, 0, 0,
      ]);
    }
  });

  it.each(QUOTES)("of %s has zeros for sides", async (name) => {
    const { rows } = await pageOf(name, "zero_filled");
    const [first] = rows;
    const quote = z.looseObject({}).safeParse(first?.fields["last_quote"]).data ?? first?.fields;
    const sides = [
      quote?.["bp"] ?? quote?.["bid"] ?? quote?.["c"],
      quote?.["ap"] ?? quote?.["ask"],
    ];
    expect(sides.filter((side) => side !== undefined && side !== 0)).toEqual([]);
  });

  it.each(LISTS)("of %s stays well where the fault has nothing to change", async (name) => {
    const well = await pageOf(name, null);
    for (const fault of ["foreign_dates", "foreign_symbols", "zero_filled"] as const) {
      expect(await pageOf(name, fault)).toEqual(well);
    }
  });

  it.each(NAMES.filter((name) => name !== "candle" && name !== "quote"))(
    "of %s has text for numbers and numbers for text",
    async (name) => {
      const well = await textOf(CALLS[name]);
      for (const provider of PROVIDERS) sandbox.setFault(provider, "bad_schema");
      const bad = await textOf(CALLS[name]);
      const types = (text: string) =>
        readAnswerPage(text).page.rows.map(({ fields }) =>
          Object.entries(fields).map(([field, value]) => `${field}: ${typeof value}`),
        );
      expect(types(bad)).not.toEqual(types(well));
    },
  );

  it("is no longer a candle or a quote", async () => {
    sandbox.setFault("finnhub", "bad_schema");
    expect(await textOf(CALLS.candle)).toMatch(/"c":\["[\d.]+"/);
    expect(await textOf(CALLS.quote)).toMatch(/"c":"[\d.]+"/);
  });

  it("is only that of the endpoint that was named, and never a refusal", async () => {
    const endpoint: SandboxEndpoint = "quotes_l1";
    const well = await pageOf("multi", null);
    sandbox.setFault("alpaca", "empty_200", { endpoint });
    expect(readAnswerPage(await textOf(CALLS.multi)).page).toEqual(well);
    expect(readAnswerPage(await textOf(CALLS.quotes)).page.rows).toEqual([]);
    expect((await sandbox.get(CALLS.quotes.path, {})).status).toBe(401);
  });
});

describe.skipIf(!hasPayloads)("reading an answer by its shape", () => {
  it.each([
    ["alpaca", "go_GetMultiBars.json", "bars"],
    ["alpaca", "py_get_latest_quote.json", "quotes"],
    ["alpaca", "assets.json", "list"],
    ["polygon", "aggs_day_range.json", "bars"],
    ["polygon", "aggs_grouped_daily.json", "bars"],
    ["polygon", "tickers_page1.json", "list"],
    ["polygon", "snapshot_universal_v3.json", "quotes"],
    ["finnhub", "candle_1m.json", "bars"],
    ["finnhub", "quote.json", "quotes"],
    ["finnhub", "symbols.json", "list"],
  ])("knows %s/%s for %s and writes it back as it was", (provider, file, kind) => {
    const text = payloadText(provider, file);
    const form = readAnswerPage(text);
    const { page } = form;
    expect(page.kind).toBe(kind);
    expect(page.rows.length).toBeGreaterThan(0);
    expect(form.write(page, page.rows.length)).toEqual(JSON.parse(text));
  });
});
