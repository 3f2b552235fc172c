import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseEpochNs, parseRfc3339, quoteNanos } from "../../../src/providers/nano-time.ts";

describe("nanosecond times", () => {
  it.each([
    ["2021-04-20T13:01:57.822745906Z", Date.UTC(2021, 3, 20, 13, 1, 57, 822), 745_906],
    ["2021-05-03T20:00:00.000098746Z", Date.UTC(2021, 4, 3, 20), 98_746],
    ["2021-05-03T20:00:00Z", Date.UTC(2021, 4, 3, 20), 0],
    ["2021-05-03T16:00:00.5-04:00", Date.UTC(2021, 4, 3, 20, 0, 0, 500), 0],
    ["2021-05-03T20:00:00.0000000019Z", Date.UTC(2021, 4, 3, 20), 1],
  ])("of %s keep every digit", (text, ts, nsOfMs) => {
    expect(parseRfc3339(text)).toEqual({ ts, nsOfMs });
  });

  it("survive JSON, which alone would round them", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 10n ** 15n, max: 4n * 10n ** 18n }), (ns) => {
        const text = quoteNanos(`{"x":"a","last_updated" : ${ns},"y":1}`, ["last_updated"]);
        const parsed: unknown = JSON.parse(text);
        expect(parsed).toEqual({ x: "a", last_updated: String(ns), y: 1 });
        const { ts, nsOfMs } = parseEpochNs(String(ns));
        expect(BigInt(ts) * 1_000_000n + BigInt(nsOfMs)).toBe(ns);
      }),
    );
    expect(JSON.parse("1636573458756383501")).toBe(JSON.parse("1636573458756383499"));
  });

  it("touch neither strings, nor short and fractional numbers, nor other members", () => {
    const json = JSON.stringify({ name: 'say "last_updated": 1636573458756383500, twice' });
    expect(quoteNanos(json, ["last_updated"])).toBe(json);
    for (const rest of [
      '{"last_updated":0}',
      '{"last_updated":1636573458756383500.5}',
      '{"last_updated":1636573458756383e3}',
      '{"other":1636573458756383500}',
    ]) {
      expect(quoteNanos(rest, ["last_updated"])).toBe(rest);
    }
  });
});
