import { describe, expect, it } from "vitest";
import { askedRange, isAskedAfterSettle } from "../../../dev/sandbox/asked-range.ts";
import { routeOf } from "../../../dev/sandbox/endpoint.ts";
import { createCalendar } from "../../../src/domain/calendar.ts";
import { newYorkMs } from "../../../src/domain/new-york-time.ts";

const OPEN_MS = Date.UTC(2024, 6, 3, 13, 30);
const LAST_MS = OPEN_MS + 5 * 60_000;

function asked(path: string) {
  const url = new URL(path, "http://sandbox");
  const route = routeOf({ url, headers: {} }, undefined);
  return route === undefined ? undefined : askedRange(route, url);
}

describe("what a call asks for", () => {
  const iso = (ms: number) => new Date(ms).toISOString();
  it.each([
    [
      "alpaca",
      `/v2/stocks/bars?timeframe=1Min&symbols=A&start=${iso(OPEN_MS)}&end=${iso(LAST_MS)}`,
    ],
    ["polygon", `/v2/aggs/ticker/A/range/1/minute/${OPEN_MS}/${LAST_MS}?limit=50000`],
    [
      "finnhub",
      `/api/v1/stock/candle?symbol=A&resolution=1&from=${OPEN_MS / 1_000}&to=${LAST_MS / 1_000}`,
    ],
  ])("is read from the address of %s's minutes", (_provider, path) => {
    expect(asked(path)).toEqual({ startMs: OPEN_MS, endMs: LAST_MS });
  });

  it.each([
    ["daily bars", "/v2/stocks/bars?timeframe=1Day&symbols=A&start=2024-07-03&end=2024-07-03"],
    ["quotes", "/v2/stocks/quotes/latest?symbols=A"],
    ["minutes without a range", "/v2/stocks/bars?timeframe=1Min&symbols=A"],
    ["a range that is none", "/v2/aggs/ticker/A/range/1/minute/soon/later"],
  ])("is unknown of %s", (_name, path) => {
    expect(asked(path)).toBeUndefined();
  });
});

describe("a call after the settle pass", () => {
  const calendar = createCalendar();
  // 2024-07-04 is a holiday: the settle pass of July 3 is on July 5.
  const late = (from: [string, number], to: [string, number], now: [string, number]) =>
    isAskedAfterSettle(
      { startMs: newYorkMs(...from), endMs: newYorkMs(...to) },
      newYorkMs(...now),
      calendar,
    );
  const H = 60;

  it("asks for a minute of a session later than 65 min after 07:00 of the next one", () => {
    const whole = [
      ["2024-07-03", 9.5 * H],
      ["2024-07-03", 13 * H],
    ] as const;
    const at = (date: string, minute: number) => late([...whole[0]], [...whole[1]], [date, minute]);
    expect(at("2024-07-04", 12 * H)).toBe(false);
    expect(at("2024-07-05", 7 * H)).toBe(false);
    expect(at("2024-07-05", 8 * H + 5)).toBe(false);
    expect(at("2024-07-05", 8 * H + 6)).toBe(true);
  });

  it("counts pre-market minutes to their own session, and a range by its oldest session", () => {
    const noon: [string, number] = ["2024-07-05", 12 * H];
    expect(late(["2024-07-05", 5 * H], ["2024-07-05", 6 * H], noon)).toBe(false);
    expect(late(["2024-07-03", 16 * H], ["2024-07-03", 17 * H], noon)).toBe(true);
    expect(late(["2024-07-03", 16 * H], ["2024-07-05", 10 * H], noon)).toBe(true);
  });

  it("asks for nothing of a session when its range lies in a night", () => {
    expect(late(["2024-07-04", 9 * H], ["2024-07-04", 12 * H], ["2024-12-02", 12 * H])).toBe(false);
  });
});
