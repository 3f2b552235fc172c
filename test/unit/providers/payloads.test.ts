import { describe, expect, it } from "vitest";
import { z } from "zod";
import { toBars as alpacaBars } from "../../../src/providers/alpaca/map.ts";
import { alpacaBarsPageSchema } from "../../../src/providers/alpaca/schema.ts";
import { toBars as polygonBars } from "../../../src/providers/polygon/map.ts";
import { polygonAggsPageSchema } from "../../../src/providers/polygon/schema.ts";
import { hasPayloads, payloadFiles, payloadText } from "../../support/provider-payloads.ts";

/** symbol, ISO start, open, high, low, close, volume, trade count, vwap. */
type Values = [
  string,
  string,
  number,
  number,
  number,
  number,
  number,
  number | null,
  number | null,
];

const amzn = "AMZN";
const aapl = "AAPL";

/** Every bar of every recorded answer of `/v2/stocks/bars`, and whether a page follows. */
const ALPACA_BARS: Record<string, { more: boolean; bars: Values[] }> = {
  "go_GetBars.json": {
    more: false,
    bars: [
      [
        amzn,
        "2021-10-15T16:00:00.000Z",
        3378.14,
        3380.815,
        3376.3001,
        3379.72,
        211689,
        5435,
        3379.041755,
      ],
      [
        amzn,
        "2021-10-15T16:15:00.000Z",
        3379.5241,
        3383.24,
        3376.49,
        3377.82,
        115850,
        5544,
        3379.638266,
      ],
      [amzn, "2021-10-15T16:30:00.000Z", 3377.982, 3380.86, 3377, 3380, 58531, 3679, 3379.100605],
      [
        amzn,
        "2021-10-15T16:45:00.000Z",
        3379.73,
        3387.17,
        3378.7701,
        3386.7615,
        83180,
        4736,
        3381.838113,
      ],
      [
        amzn,
        "2021-10-15T17:00:00.000Z",
        3387.56,
        3390.74,
        3382.87,
        3382.87,
        134339,
        5832,
        3387.086825,
      ],
    ],
  },
  "go_GetBars_Adjustment.json": {
    more: true,
    bars: [
      ["GE", "2024-04-01T04:00:00.000Z", 138.48, 138.82, 136.48, 138.29, 5905509, 80136, 137.8],
      ["GE", "2024-04-02T04:00:00.000Z", 138.96, 142.9, 132.49, 134.94, 20490401, 209105, 137.45],
    ],
  },
  "go_GetMultiBars.json": {
    more: false,
    bars: [
      [
        aapl,
        "2021-10-13T04:00:00.000Z",
        141.21,
        141.4,
        139.2,
        140.91,
        78993712,
        595435,
        140.361873,
      ],
      [
        aapl,
        "2021-10-14T04:00:00.000Z",
        142.08,
        143.88,
        141.51,
        143.76,
        69696731,
        445634,
        143.216983,
      ],
      [
        aapl,
        "2021-10-15T04:00:00.000Z",
        144.13,
        144.895,
        143.51,
        144.84,
        67393148,
        426182,
        144.320565,
      ],
      ["NIO", "2021-10-13T04:00:00.000Z", 35.75, 36.68, 35.47, 36.24, 33394068, 177991, 36.275125],
      ["NIO", "2021-10-14T04:00:00.000Z", 36.09, 36.45, 35.605, 36.28, 29890265, 166379, 36.00485],
      ["NIO", "2021-10-15T04:00:00.000Z", 37, 38.29, 36.935, 37.71, 48138793, 257074, 37.647123],
    ],
  },
  "py_get_bars.json": {
    more: true,
    bars: [
      [aapl, "2022-02-01T05:00:00.000Z", 174, 174.84, 172.31, 174.61, 85998033, 732412, 173.703516],
      [
        aapl,
        "2022-02-02T05:00:00.000Z",
        174.64,
        175.88,
        173.33,
        175.84,
        84817432,
        675034,
        174.941288,
      ],
    ],
  },
  "py_get_bars_desc.json": {
    more: true,
    bars: [
      [
        "TSLA",
        "2023-09-27T04:00:00.000Z",
        244.262,
        245.33,
        234.58,
        240.5,
        136616287,
        1393690,
        240.479286,
      ],
      [
        "TSLA",
        "2023-09-26T04:00:00.000Z",
        242.98,
        249.55,
        241.6601,
        244.12,
        102033779,
        1118004,
        245.559325,
      ],
      [
        "TSLA",
        "2023-09-25T04:00:00.000Z",
        243.38,
        247.1,
        238.31,
        246.99,
        104668716,
        1196613,
        244.197325,
      ],
    ],
  },
  "py_get_bars_single_empty_response.json": { more: false, bars: [] },
  "py_multisymbol_get_bars.json": {
    more: false,
    bars: [
      [
        aapl,
        "2022-03-09T05:00:00.000Z",
        161.51,
        163.41,
        159.41,
        162.95,
        88496480,
        700291,
        161.942117,
      ],
      [
        "TSLA",
        "2022-03-09T05:00:00.000Z",
        839,
        860.56,
        832.01,
        858.97,
        19227323,
        528531,
        850.616587,
      ],
    ],
  },
  "spec_v2_stocks_bars.json": {
    more: true,
    bars: [
      [aapl, "2022-01-03T09:00:00.000Z", 178.26, 178.26, 178.21, 178.21, 1118, 65, 178.235733],
    ],
  },
};

/** Every bar of every recorded answer of the aggregates range. */
const POLYGON_BARS: Record<string, { more: boolean; bars: Values[] }> = {
  "aggs_day_range.json": {
    more: false,
    bars: [
      [aapl, "2005-04-01T05:00:00.000Z", 1.5032, 1.5064, 1.4489, 1.4604, 642646396, 82132, 1.469],
      [aapl, "2005-04-04T04:00:00.000Z", 1.4639, 1.4754, 1.4343, 1.4675, 578172308, 65543, 1.4589],
    ],
  },
  "aggs_empty.json": { more: false, bars: [] },
  "aggs_status_delayed.json": {
    more: false,
    bars: [
      [aapl, "2018-09-26T04:00:00.000Z", 55.25, 55.9375, 54.94, 55.105, 95938824, 1, 221.8698],
    ],
  },
  "spec_aggs_range_paginated.json": {
    more: true,
    bars: [
      [aapl, "2020-01-02T05:00:00.000Z", 74.06, 75.15, 73.7975, 75.0875, 135647456, 1, 74.6099],
      [aapl, "2020-01-03T05:00:00.000Z", 74.2875, 75.145, 74.125, 74.3575, 146535512, 1, 74.7026],
    ],
  },
};

/** Recorded refusals: their kinds are asserted in the test of their adapter. */
const ALPACA_REFUSALS = ["400_invalid_symbol", "401", "403_sip", "429", "429_trading", "500"];
const POLYGON_REFUSALS = [
  "400_bad_date",
  "401_unknown_key",
  "403_not_entitled",
  "403_timeframe",
  "404_snapshot",
  "429_rate",
];

const FINNHUB_REFUSALS = ["401_invalid_key", "401_no_key", "403_premium", "429", "502_html"];

/** Asserted in quote-payloads, list-payloads, calendar and splits.test.ts. */
const ELSEWHERE: Record<string, readonly string[]> = {
  alpaca: [
    "assets",
    "go_LatestQuote",
    "py_get_latest_quote",
    "py_get_latest_quote_multi_empty_response",
    "spec_v2_stocks_quotes_latest",
  ],
  polygon: [
    "aggs_grouped_daily",
    "marketstatus_upcoming",
    "snapshot_universal_v3",
    "spec_grouped",
    "spec_universal_snapshot",
    "splits",
    "tickers_page1",
    "tickers_page2",
  ],
  finnhub: ["candle_1m", "candle_no_data", "quote", "quote_all_zero", "symbols"],
  iex: ["alpaca_feed_iex_snapshot"],
};

/** Why an endpoint is not called, and its payloads: a file moves up from here when its endpoint is. */
const NOT_CALLED: Record<string, Record<string, readonly string[]>> = {
  alpaca: {
    "one symbol a call, where we ask many": [
      "go_LatestBar",
      "go_LatestBar_Feed",
      "go_LatestBar_Feed_2",
      "go_Snapshot",
      "py_get_snapshot",
      "py_stock_latest_bar",
      "spec_v2_stocks_symbol_bars",
      "spec_v2_stocks_symbol_bars_latest",
      "spec_v2_stocks_symbol_quotes",
      "spec_v2_stocks_symbol_quotes_latest",
      "spec_v2_stocks_symbol_snapshot",
    ],
    "the latest bar may be hours old: bars are asked by window": [
      "go_DefaultDo",
      "go_DefaultDo_Retry",
      "go_DefaultDo_Timeout",
      "go_LatestBars",
      "py_multi_stock_latest_bar",
      "py_stock_latest_bar_multi_empty_response",
      "spec_v2_stocks_bars_latest",
    ],
    "history of quotes is not fetched": [
      "go_GetMultiQuotes",
      "go_GetQuotes",
      "go_GetQuotes_2",
      "go_GetQuotes_SortDesc",
      "py_get_quotes",
      "py_get_quotes_multi_empty_response",
      "spec_v2_stocks_quotes",
    ],
    "quotes come alone, bars by window": [
      "py_get_snapshot_multi_empty_response",
      "spec_v2_stocks_snapshots",
    ],
    "no answer of an endpoint, but two compared": ["sip_vs_iex_daily"],
    "polled, not streamed": ["ws_session"],
  },
  polygon: {
    "one symbol a call, where the whole market is one": ["aggs_prev", "open_close"],
    "one symbol a call, where we ask 250": ["last_nbbo", "snapshot_single", "spec_last_nbbo"],
    "history of quotes is not fetched": ["quotes_page1"],
    "the older snapshot, without errors in its rows": ["snapshot_all", "snapshot_gainers"],
    "our own calendar says what is open": ["marketstatus_now"],
    "a table of codes": ["exchanges", "ticker_types"],
    "not in our plans' endpoints": ["summaries_partial_error"],
    "headers only": ["openbb_response_headers"],
    "polled, not streamed": ["ws_errors", "ws_session"],
  },
  finnhub: {
    "premium, one symbol a call, and its quotes are of no better feed": ["bidask"],
    "polled, not streamed": ["ws_session"],
  },
  iex: {
    "shut down": [
      "iexcloud_quote_shape",
      "legacy_iextrading_TestTOPS_AllSymbols_1",
      "legacy_iextrading_TestTOPS_AllSymbols_2",
    ],
    "bid and ask are null without an IEX agreement: this backend is not built": [
      "tiingo_err_401",
      "tiingo_err_404",
      "tiingo_err_429_hourly",
      "tiingo_iex_entitled",
      "tiingo_intraday_price",
      "tiingo_ticker_metadata",
      "tiingo_ticker_price",
      "tiingo_ticker_price_with_date",
      "tiingo_unknown_symbol_empty",
    ],
  },
};

function asValues(bar: ReturnType<typeof alpacaBars>[number]): Values {
  const { symbol, ts, open, high, low, close, volume, tradeCount, vwap } = bar;
  return [symbol, new Date(ts).toISOString(), open, high, low, close, volume, tradeCount, vwap];
}

describe.skipIf(!hasPayloads)("recorded payloads", () => {
  it.each([
    ["alpaca", ALPACA_BARS, ALPACA_REFUSALS],
    ["polygon", POLYGON_BARS, POLYGON_REFUSALS],
    ["finnhub", {}, FINNHUB_REFUSALS],
    ["iex", {}, []],
  ])("of %s are all accounted for, so that a new one is not overlooked", (id, bars, refusals) => {
    const others = [ELSEWHERE[id] ?? [], ...Object.values(NOT_CALLED[id] ?? {})].flat();
    const named = [
      ...Object.keys(bars),
      ...refusals.map((name) => `err_${name}.json`),
      ...others.map((name) => `${name}.json`),
    ];
    expect(named.sort()).toEqual(payloadFiles(id));
  });

  // The published example is wrapped in the name of the example.
  const wrapped = z.object({ bars: alpacaBarsPageSchema }).transform(({ bars }) => bars);
  const alpacaPage = z.union([alpacaBarsPageSchema, wrapped]);

  it.each(Object.entries(ALPACA_BARS))(
    "of alpaca bars map to their values: %s",
    (file, expected) => {
      const page = alpacaPage.parse(JSON.parse(payloadText("alpaca", file)));
      expect(alpacaBars(page).map(asValues)).toEqual(expected.bars);
      expect(page.next_page_token !== null).toBe(expected.more);
    },
  );

  it.each(Object.entries(POLYGON_BARS))(
    "of polygon bars map to their values: %s",
    (file, expected) => {
      const page = polygonAggsPageSchema.parse(JSON.parse(payloadText("polygon", file)));
      expect(polygonBars(page.ticker, page).map(asValues)).toEqual(expected.bars);
      expect(typeof page.next_url === "string").toBe(expected.more);
    },
  );
});

describe("numbers of the mappers", () => {
  it("keep volume 0 and count 0, and take an absent, null or zero vwap as unknown", () => {
    const prices = { o: 2, h: 2, l: 2, c: 2 };
    const t = "2026-03-20T13:30:00.000059123Z";
    const alpaca = alpacaBars(
      alpacaBarsPageSchema.parse({
        bars: {
          A: [
            { ...prices, t, v: 0, n: 0, vw: 0 },
            { ...prices, t, v: 1 },
            { ...prices, t, v: 1, n: null, vw: null },
          ],
        },
        next_page_token: null,
      }),
    );
    const at = Date.UTC(2026, 2, 20, 13, 30);
    const polygon = polygonBars(
      "A",
      polygonAggsPageSchema.parse({
        ticker: "A",
        status: "OK",
        results: [
          { ...prices, t: at, v: 0, n: 0, vw: 0 },
          { ...prices, t: at, v: 1 },
          { ...prices, t: at, v: 1, n: null, vw: null },
        ],
      }),
    );
    const numbers = [
      [0, 0, null],
      [1, null, null],
      [1, null, null],
    ];
    expect(alpaca.map((bar) => [bar.volume, bar.tradeCount, bar.vwap])).toEqual(numbers);
    expect(polygon.map((bar) => [bar.volume, bar.tradeCount, bar.vwap])).toEqual(numbers);
    expect([...alpaca, ...polygon].every((bar) => bar.ts === at)).toBe(true);
  });

  it("read volume in scientific notation, as recorded", () => {
    const json =
      '{"ticker":"A","status":"OK","results":[{"v":1.12117471e+08,"o":1,"h":1,"l":1,"c":1,"t":0}]}';
    const bars = polygonBars("A", polygonAggsPageSchema.parse(JSON.parse(json)));
    expect(bars[0]?.volume).toBe(112_117_471);
  });
});
