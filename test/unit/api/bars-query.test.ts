import { describe, expect, it } from "vitest";
import {
  type BarsParameters,
  barsQuerySchema,
  queryFault,
  queryShape,
  rangeOf,
} from "../../../src/api/bars-query.ts";
import { DAY_MS, HOUR_MS, MINUTE_MS } from "../../../src/domain/time.ts";

const AT = Date.UTC(2026, 2, 20, 13, 42);
const parse = (query: Record<string, string>): BarsParameters => barsQuerySchema.parse(query);
const fieldOf = (query: Record<string, string>) => queryFault(parse(query), 32)?.field;

describe("a query of bars", () => {
  it("names symbols or a group", () => {
    expect(fieldOf({ symbols: "AAPL" })).toBeUndefined();
    expect(fieldOf({ group: "g07" })).toBeUndefined();
    expect(fieldOf({})).toBe("symbols");
    expect(fieldOf({ symbols: "AAPL", group: "g07" })).toBe("symbols");
    expect(fieldOf({ group: "g32" })).toBe("group");
  });

  it("has no sessions of daily bars, and no range that ends before it begins", () => {
    expect(fieldOf({ symbols: "A", interval: "1d", session: "all" })).toBe("session");
    expect(fieldOf({ symbols: "A", start: `${AT}`, end: `${AT}` })).toBe("start");
  });

  it("is of the whole market for the start of one bar only", () => {
    const market = { symbols: "*", start: `${AT}` };
    expect(fieldOf(market)).toBeUndefined();
    expect(fieldOf({ ...market, interval: "1h", end: `${AT + HOUR_MS}` })).toBeUndefined();
    expect(fieldOf({ ...market, end: `${AT + MINUTE_MS}` })).toBeUndefined();
    expect(fieldOf({ ...market, end: `${AT + MINUTE_MS + 1}` })).toBe("start");
    expect(fieldOf({ ...market, interval: "1h", end: `${AT + MINUTE_MS}` })).toBe("start");
    expect(fieldOf({ symbols: "*" })).toBe("start");
  });

  it("is of minutes without a trade as of now only", () => {
    const now = { symbols: "AAPL", include: "no_trade" };
    expect(fieldOf(now)).toBeUndefined();
    expect(fieldOf({ ...now, as_of: `${AT}` })).toBe("as_of");
    expect(fieldOf({ ...now, knowledge: "assumed" })).toBe("knowledge");
    expect(fieldOf({ ...now, page_token: "x" })).toBe("page_token");
    expect(fieldOf({ ...now, interval: "5m" })).toBe("interval");
    expect(fieldOf({ ...now, session: "post" })).toBe("session");
    expect(fieldOf({ ...now, symbols: "*", start: `${AT}` })).toBe("symbols");
  });
});

describe("the range of a query", () => {
  it("holds the bars that start in it, on the clock of the interval", () => {
    const given = { symbols: "A", interval: "1h", start: `${AT}`, end: `${AT + HOUR_MS}` };
    const hour = Date.UTC(2026, 2, 20, 14);
    expect(rangeOf(parse(given), 0)).toEqual({ startMs: hour, endMs: hour + HOUR_MS });
    const exact = { ...given, start: `${hour}`, end: `${hour + HOUR_MS}` };
    expect(rangeOf(parse(exact), 0)).toEqual({ startMs: hour, endMs: hour + HOUR_MS });
  });

  it("ends with what is known, so that the bar of now is in it, and goes back a span of the interval", () => {
    const { startMs, endMs } = rangeOf(parse({ symbols: "A", interval: "5m" }), AT);
    expect([startMs, endMs]).toEqual([AT + 3 * MINUTE_MS - 7 * DAY_MS, AT + 3 * MINUTE_MS]);
  });
});

describe("the shape of a query", () => {
  it("is another for every parameter but the size and the place of the page", () => {
    const base = { symbols: "AAPL" };
    const shape = queryShape(parse(base));
    expect(queryShape(parse({ ...base, limit: "7", page_token: "x" }))).toBe(shape);
    for (const change of [
      { symbols: "MSFT" },
      { interval: "5m" },
      { start: "1" },
      { end: "1" },
      { as_of: "1" },
      { knowledge: "assumed" },
      { adjust: "split" },
      { session: "regular" },
      { include: "no_trade" },
      { feed: "sip" },
      { sort: "desc" },
    ]) {
      expect(queryShape(parse({ ...base, ...change }))).not.toBe(shape);
    }
  });
});
