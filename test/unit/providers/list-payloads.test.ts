import { describe, expect, it } from "vitest";
import { toSpelledRows } from "../../../src/providers/alpaca/asset-map.ts";
import { alpacaAssetsSchema } from "../../../src/providers/alpaca/schema.ts";
import * as finnhub from "../../../src/providers/finnhub/map.ts";
import { finnhubBarsSchema, finnhubSymbolsSchema } from "../../../src/providers/finnhub/schema.ts";
import { toListedSymbols } from "../../../src/providers/listed-symbol.ts";
import { fromPolygonTicker, toDailyBars } from "../../../src/providers/polygon/map.ts";
import {
  polygonGroupedPageSchema,
  polygonTickersPageSchema,
} from "../../../src/providers/polygon/schema.ts";
import { toSpelledRow } from "../../../src/providers/polygon/ticker-map.ts";
import { hasPayloads, payloadText } from "../../support/provider-payloads.ts";

function read(provider: string, file: string): unknown {
  return JSON.parse(payloadText(provider, file));
}

describe.skipIf(!hasPayloads)("recorded lists", () => {
  it.each([
    [
      "tickers_page1.json",
      true,
      [
        ["A", "Agilent Technologies Inc.", "XNYS", "COMMON", "BBG000C2V3D6"],
        ["AA", "Alcoa Corporation", "XNYS", "COMMON", "BBG00B3T3HD3"],
      ],
    ],
    [
      "tickers_page2.json",
      false,
      [
        ["AAA", "AAF First Priority CLO Bond ETF", "ARCX", "ETF", "BBG00X5FSP48"],
        ["AAAU", "Goldman Sachs Physical Gold ETF Shares", "BATS", "ETF", "BBG00LPXX872"],
      ],
    ],
  ])("of polygon map to their values: %s", (file, more, expected) => {
    const page = polygonTickersPageSchema.parse(read("polygon", file));
    const rows = (page.results ?? []).map(toSpelledRow);
    const { listed } = toListedSymbols(rows, fromPolygonTicker);
    expect(listed.map((row) => [row.symbol, row.name, row.exchange, row.type, row.figi])).toEqual(
      expected,
    );
    expect(typeof page.next_url === "string").toBe(more);
  });

  it("of alpaca map to their values", () => {
    const assets = alpacaAssetsSchema.parse(read("alpaca", "assets.json"));
    expect(toSpelledRows(assets)).toEqual([
      {
        listedAs: "AAPL",
        name: "Apple Inc. Common Stock",
        exchange: "XNAS",
        type: null,
        figi: null,
      },
    ]);
  });

  it("of finnhub map to their values", () => {
    const rows = finnhubSymbolsSchema.parse(read("finnhub", "symbols.json"));
    const { listed } = toListedSymbols(rows.map(finnhub.toSpelledRow), finnhub.fromFinnhubSymbol);
    expect(listed.map((row) => [row.symbol, row.name, row.exchange, row.type, row.figi])).toEqual([
      ["AAPL", "APPLE INC", "XNAS", "COMMON", "BBG000B9XRY4"],
      ["BRK.B", "BERKSHIRE HATHAWAY INC-CL B", "XNYS", "COMMON", "BBG000DWG505"],
    ]);
  });

  const ts = Date.UTC(2020, 9, 14);
  it.each([
    ["aggs_grouped_daily.json", [["GIK", ts, 9.99, 10.02, 9.9, 10.02, 895_345, 96, 9.9979]]],
    [
      "spec_grouped.json",
      [
        ["KIM.PRL", ts, 26.07, 26.25, 25.91, 25.9102, 4_369, 74, 26.0407],
        ["TANH", ts, 24.5, 24.763, 22.65, 23.4, 25_933.6, 1_096, 23.493],
        ["VSAT", ts, 34.9, 35.47, 34.21, 34.24, 312_583, 4_966, 34.4736],
      ],
    ],
  ])("of polygon's daily bars map to their values under the date asked: %s", (file, expected) => {
    const page = polygonGroupedPageSchema.parse(read("polygon", file));
    const bars = toDailyBars("2020-10-14", page);
    expect(
      bars.map((b) => [
        b.symbol,
        b.ts,
        b.open,
        b.high,
        b.low,
        b.close,
        b.volume,
        b.tradeCount,
        b.vwap,
      ]),
    ).toEqual(expected);
    // Rows of another date keep theirs, so that they are refused.
    expect(toDailyBars("2020-10-16", page)[0]?.ts).toBe(ts);
  });

  it("of finnhub's minutes map to their values, and no_data to none", () => {
    const bars = finnhub.toBars("KO", finnhubBarsSchema.parse(read("finnhub", "candle_1m.json")));
    const values = (bars ?? []).map((b) => [b.ts, b.open, b.high, b.low, b.close, b.volume]);
    const at = (minute: number) => Date.UTC(2020, 3, 20, 19, 55 + minute);
    expect(values).toEqual([
      [at(0), 34.48, 34.547, 34.4595, 34.46, 45_401],
      [at(1), 34.46, 34.48, 34.44, 34.45, 36_889],
      [at(2), 34.46, 34.5164, 34.425, 34.5099, 68_105],
      [at(3), 34.51, 34.52, 34.45, 34.45, 30_554],
      [at(4), 34.45, 34.51, 34.45, 34.49, 26_641],
      [at(5), 34.49, 34.52, 34.47, 34.48, 47_988],
      [at(6), 34.48, 34.48, 34.42, 34.43, 40_513],
      [at(7), 34.44, 34.45, 34.37, 34.38, 90_928],
      [at(8), 34.371, 34.39, 34.3501, 34.372, 41_765],
      [at(9), 34.37, 34.3869, 34.33, 34.35, 56_755],
      [at(10), 34.35, 34.37, 34.34, 34.37, 26_797],
    ]);
    expect(bars?.every((bar) => bar.symbol === "KO" && bar.vwap === null)).toBe(true);
    const none = finnhubBarsSchema.parse(read("finnhub", "candle_no_data.json"));
    expect(finnhub.toBars("KO", none)).toEqual([]);
  });
});

describe("symbol lists", () => {
  const row = { name: "N", exchange: "XNYS", type: null, figi: null } as const;

  it("leave out what trades over the counter and keep the fuller of repeated rows", () => {
    const { listed } = toListedSymbols(
      [
        { ...row, listedAs: "A" },
        { ...row, listedAs: "A", type: "COMMON" },
        { ...row, listedAs: "A" },
        { ...row, listedAs: "OTCX", exchange: "OOTC" },
      ],
      fromPolygonTicker,
    );
    expect(listed).toEqual([{ ...row, symbol: "A", listedAs: "A", type: "COMMON" }]);
  });

  it("of alpaca leave out other classes and inactive assets", () => {
    const asset = { symbol: "A", class: "us_equity", exchange: "NYSE", status: "active" };
    const rows = toSpelledRows([
      asset,
      { ...asset, symbol: "BTC/USD", class: "crypto" },
      { ...asset, symbol: "OLD", status: "inactive" },
      { ...asset, symbol: "OTCX", exchange: "OTC" },
    ]);
    expect(rows.map(({ listedAs, exchange }) => [listedAs, exchange])).toEqual([
      ["A", "XNYS"],
      ["OTCX", "OOTC"],
    ]);
  });
});
