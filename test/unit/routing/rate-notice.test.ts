import { describe, expect, it } from "vitest";
import { rateNotice } from "../../../src/routing/rate-notice.ts";

const MINUTE_MS = 1_774_013_460_000;
const NOW_MS = MINUTE_MS + 12_345;
const RESET = String((MINUTE_MS + 60_000) / 1_000);

describe("what a response says of the quota", () => {
  it.each<[string, number, Record<string, string>, { remaining: number; resetMs: number } | null]>([
    [
      "Alpaca's headers",
      200,
      { "x-ratelimit-remaining": "17", "x-ratelimit-reset": RESET },
      { remaining: 17, resetMs: MINUTE_MS + 60_000 },
    ],
    [
      "the headers of a refusal about the symbol",
      400,
      { "x-ratelimit-remaining": "16", "x-ratelimit-reset": RESET },
      { remaining: 16, resetMs: MINUTE_MS + 60_000 },
    ],
    ["an answer without headers", 200, {}, null],
    ["a remainder without a reset", 200, { "x-ratelimit-remaining": "17" }, null],
    [
      "a remainder that is no count",
      200,
      { "x-ratelimit-remaining": "-1", "x-ratelimit-reset": RESET },
      null,
    ],
    [
      "a reset that has passed",
      200,
      { "x-ratelimit-remaining": "0", "x-ratelimit-reset": String(MINUTE_MS / 1_000) },
      null,
    ],
    [
      "a 429 with headers, whatever they say is left",
      429,
      { "x-ratelimit-remaining": "5", "x-ratelimit-reset": RESET },
      { remaining: 0, resetMs: MINUTE_MS + 60_000 },
    ],
    [
      "a 429 with retry-after",
      429,
      { "retry-after": "7" },
      { remaining: 0, resetMs: NOW_MS + 7_000 },
    ],
    ["a bare 429", 429, {}, { remaining: 0, resetMs: MINUTE_MS + 60_000 }],
    [
      "a 429 whose reset has passed",
      429,
      { "x-ratelimit-reset": String(MINUTE_MS / 1_000) },
      { remaining: 0, resetMs: MINUTE_MS + 60_000 },
    ],
  ])("%s", (_name, status, headers, notice) => {
    expect(rateNotice({ status, headers }, NOW_MS)).toEqual(notice);
  });
});
