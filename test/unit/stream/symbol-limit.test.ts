import { describe, expect, it } from "vitest";
import { CHANNELS, MAX_CONNECTION_SYMBOLS } from "../../../src/contracts/stream.ts";
import { NO_SUBSCRIPTION, withSymbols } from "../../../src/stream/subscription.ts";
import { isBeyondSymbolLimit } from "../../../src/stream/symbol-limit.ts";

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

describe("the symbols of a connection", () => {
  it("count once, whatever the number of channels that bring them", () => {
    const full = withSymbols(NO_SUBSCRIPTION, CHANNELS, range(0, MAX_CONNECTION_SYMBOLS));
    expect(isBeyondSymbolLimit(full)).toBe(false);
    const more = withSymbols(full, ["quotes"], [MAX_CONNECTION_SYMBOLS]);
    expect(isBeyondSymbolLimit(more)).toBe(true);
  });

  it("have no limit when they are the whole universe", () => {
    expect(isBeyondSymbolLimit(withSymbols(NO_SUBSCRIPTION, CHANNELS, "*"))).toBe(false);
  });
});
