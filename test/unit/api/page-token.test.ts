import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatPageToken, parsePageToken } from "../../../src/api/page-token.ts";

const QUERY = "symbols=AAPL&start=1";
const tokens = fc.record(
  {
    storedByMs: fc.integer({ min: 0, max: 4_000_000_000_000 }),
    startMs: fc.integer({ min: 0, max: 4_000_000_000_000 }),
    endMs: fc.integer({ min: 0, max: 4_000_000_000_000 }),
    asOfMs: fc.integer({ min: 0, max: 4_000_000_000_000 }),
    after: fc.record({
      symbol: fc.constantFrom("A", "BRK.B", "ABCDEF.ABC.ABC"),
      ts: fc.integer({ min: 0, max: 4_000_000_000_000 }),
    }),
  },
  { requiredKeys: ["startMs", "endMs", "asOfMs", "after"] },
);

describe("a page token", () => {
  it("is read as it was written, is URL-safe, and belongs to its query only", () => {
    fc.assert(
      fc.property(tokens, (token) => {
        const text = formatPageToken(token, QUERY);
        expect(text).toMatch(/^[A-Za-z0-9_-]+$/);
        expect(parsePageToken(text, QUERY)).toEqual(token);
        expect(parsePageToken(text, `${QUERY}2`)).toBeNull();
      }),
    );
  });

  it("is null when it is malformed, and reading it never throws", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(parsePageToken(text, QUERY)).toBeNull();
      }),
    );
    for (const body of ["[1,2,3]", "{}", "null", '[0,"x",1,1,"AAPL",1]', "[0,1,2,3,4,5]"]) {
      expect(parsePageToken(btoa(body), QUERY)).toBeNull();
    }
  });
});
