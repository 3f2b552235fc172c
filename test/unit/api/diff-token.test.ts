import { describe, expect, it } from "vitest";
import { formatDiffToken, parseDiffToken } from "../../../src/api/diff-token.ts";
import { formatPageToken } from "../../../src/api/page-token.ts";

const token = {
  untilMs: 1_774_013_700_123,
  after: { asOfUs: 1_774_013_700_123_456, symbol: "BRK.B", ts: 1_774_013_640_000 },
};

describe("a token of a diff", () => {
  it("gives back where the next page starts, to the microsecond, and stands in a URL as it is", () => {
    const text = formatDiffToken(token, "AAPL|1m");
    expect(parseDiffToken(text, "AAPL|1m")).toEqual(token);
    expect(text).toMatch(/^[\w-]{1,200}$/);
  });

  it("is none for another query, nor is what was made by hand or for a page of bars", () => {
    const text = formatDiffToken(token, "AAPL|1m");
    const page = formatPageToken(
      { asOfMs: 1, startMs: 0, endMs: 2, after: token.after },
      "AAPL|1m",
    );
    expect(parseDiffToken(text, "AAPL|1d")).toBeNull();
    for (const other of [page, "", "%%%", text.slice(1), btoa("[]"), btoa("null"), `${text}A`])
      expect(parseDiffToken(other, "AAPL|1m"), other).toBeNull();
  });
});
