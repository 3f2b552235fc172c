import { describe, expect, it } from "vitest";
import { z } from "zod";
import type { Quote } from "../../../src/domain/quote.ts";
import { toQuote as alpacaQuote, toQuotes } from "../../../src/providers/alpaca/quote-map.ts";
import { alpacaQuoteSchema, alpacaQuotesSchema } from "../../../src/providers/alpaca/schema.ts";
import { toQuote as finnhubQuote } from "../../../src/providers/finnhub/map.ts";
import { finnhubQuoteSchema } from "../../../src/providers/finnhub/schema.ts";
import { quoteNanos } from "../../../src/providers/nano-time.ts";
import { toQuote as polygonQuote } from "../../../src/providers/polygon/quote-map.ts";
import { polygonSnapshotPageSchema } from "../../../src/providers/polygon/schema.ts";
import { hasPayloads, payloadText } from "../../support/provider-payloads.ts";

function snapshot(text: string): (Quote | null)[] {
  const body = quoteNanos(text, ["last_updated", "sip_timestamp"]);
  const page = polygonSnapshotPageSchema.parse(JSON.parse(body));
  return (page.results ?? []).map(polygonQuote);
}

const sip = { last: null, lastTs: null, venue: null, consolidated: true, feed: "sip" };

describe.skipIf(!hasPayloads)("recorded quotes", () => {
  it.each(["snapshot_universal_v3.json", "spec_universal_snapshot.json"])(
    "of polygon map to their values, an option and an unknown ticker to none: %s",
    (file) => {
      expect(snapshot(payloadText("polygon", file))).toEqual([
        null,
        {
          symbol: "AAPL",
          ts: 1_636_573_458_756,
          nsOfMs: 383_500,
          bid: 20.9,
          ask: 21.25,
          bidSize: 172,
          askSize: 110,
          sizeUnit: "round_lots",
          last: 0.05,
          // No sip_timestamp in this row: its trade says when it was last updated.
          lastTs: 1_675_280_958_783,
          venue: null,
          consolidated: true,
          feed: "sip",
        },
        null,
      ]);
    },
  );

  const lots = { ...sip, sizeUnit: "round_lots" };
  const aapl = { symbol: "AAPL", ...lots };
  it.each([
    [
      "go_LatestQuote.json",
      [
        {
          ...aapl,
          ts: Date.UTC(2021, 3, 20, 13, 1, 57, 822),
          nsOfMs: 745_906,
          bid: 134.66,
          ask: 134.68,
          bidSize: 29,
          askSize: 1,
        },
      ],
    ],
    [
      "py_get_latest_quote.json",
      [
        {
          ...aapl,
          ts: Date.UTC(2022, 2, 18, 14, 2, 43, 651),
          nsOfMs: 613_184,
          bid: 161.1,
          ask: 161.11,
          bidSize: 2,
          askSize: 13,
        },
      ],
    ],
    ["py_get_latest_quote_multi_empty_response.json", []],
    [
      "spec_v2_stocks_quotes_latest.json",
      [
        {
          ...aapl,
          ts: Date.UTC(2022, 7, 17, 10, 7, 40, 286),
          nsOfMs: 587_431,
          bid: 172.62,
          ask: 172.7,
          bidSize: 2,
          askSize: 1,
        },
        {
          ...lots,
          symbol: "TSLA",
          ts: Date.UTC(2022, 7, 17, 10, 7, 49, 387),
          nsOfMs: 64_037,
          bid: 911.3,
          ask: 911.6,
          bidSize: 1,
          askSize: 1,
        },
      ],
    ],
  ])("of alpaca map to their values: %s", (file, expected) => {
    // The published example is wrapped in the name of the example.
    const wrapped = z.object({ quotes: alpacaQuotesSchema }).transform(({ quotes }) => quotes);
    const body = z
      .union([wrapped, alpacaQuotesSchema])
      .parse(JSON.parse(payloadText("alpaca", file)));
    expect(toQuotes(body, "sip")).toEqual(expected);
  });

  it("of iex after the close have no side, so there is no quote", () => {
    const schema = z.object({ FB: z.object({ latestQuote: alpacaQuoteSchema }) });
    const json: unknown = JSON.parse(payloadText("iex", "alpaca_feed_iex_snapshot.json"));
    const { FB } = schema.parse(json);
    expect(FB.latestQuote).toMatchObject({ bx: "V", ax: "V", bp: 0, ap: 0 });
    expect(alpacaQuote("FB", FB.latestQuote, "iex")).toBeNull();
  });

  it("of finnhub are a last price, and zeros are no quote", () => {
    const read = (file: string) =>
      finnhubQuote("SPY", finnhubQuoteSchema.parse(JSON.parse(payloadText("finnhub", file))));
    expect(read("quote.json")).toEqual({
      symbol: "SPY",
      ts: 1_582_641_000_000,
      nsOfMs: 0,
      bid: null,
      ask: null,
      bidSize: null,
      askSize: null,
      sizeUnit: null,
      last: 261.74,
      lastTs: 1_582_641_000_000,
      venue: null,
      consolidated: false,
      feed: "finnhub",
    });
    expect(read("quote_all_zero.json")).toBeNull();
  });
});

describe("quotes", () => {
  const t = "2026-03-20T15:00:00Z";

  it("of iex are one venue's, with sizes in shares since 2025-11-03, and a zero side is null", () => {
    const row = { t, bp: 10, bs: 300, bx: "V", ap: 0, as: 0, ax: "V" };
    expect(alpacaQuote("A", row, "iex")).toMatchObject({
      bid: 10,
      bidSize: 300,
      ask: null,
      askSize: null,
      sizeUnit: "shares",
      venue: "IEX",
      consolidated: false,
      feed: "iex",
    });
    const last = { ...row, t: "2025-11-03T04:59:59.999Z" };
    expect(alpacaQuote("A", last, "iex")?.sizeUnit).toBe("round_lots");
    expect(alpacaQuote("A", { t, bp: 10, bs: 0 }, "sip")).toMatchObject({
      bidSize: null,
      sizeUnit: null,
    });
  });

  it("of polygon are none when all is zero, and take the trade's time without a side", () => {
    const rows = snapshot(
      JSON.stringify({
        status: "OK",
        results: [
          { ticker: "A", type: "stocks", last_quote: { bid: 0, ask: 0, last_updated: 0 } },
          { ticker: "B", type: "stocks", last_quote: { bid: 5, ask: 6, last_updated: 0 } },
          {
            ticker: "C",
            last_quote: { bid: 0, ask: 0, bid_size: 3, last_updated: 5 },
            last_trade: { price: 7, sip_timestamp: 1_700_000_000_000_000, timeframe: "DELAYED" },
          },
          {
            ticker: "E",
            last_quote: { bid: 5, ask: 6, last_updated: 0 },
            last_trade: { price: 7, sip_timestamp: 1_700_000_000_000_000 },
          },
          { ticker: "D", error: "NOT_ENTITLED", last_trade: { price: 7, sip_timestamp: 9 } },
        ],
      }),
    );
    expect(rows[0]).toBeNull();
    expect(rows[1]).toBeNull();
    expect(rows[2]).toMatchObject({ ts: 1_700_000_000, bidSize: null, sizeUnit: null, last: 7 });
    expect(rows[2]?.feed).toBe("delayed_sip");
    // Sides without a time may be years old: only the trade is taken.
    expect(rows[3]).toMatchObject({ ts: 1_700_000_000, bid: null, ask: null, last: 7 });
    expect(rows[4]).toBeNull();
  });
});
