import { describe, expect, it } from "vitest";
import { createSyntheticMarket } from "../../../dev/market/synthetic-market.ts";
import { falseAbsences } from "../../../dev/session/false-absences.ts";
import { createCalendar } from "../../../src/domain/calendar.ts";
import { groupOf } from "../../../src/domain/symbol.ts";
import { streamName } from "../../../src/stream/token.ts";

const market = createSyntheticMarket({ seed: 7, symbols: 40 });
const session = createCalendar().session("2026-03-20");
if (session === undefined) throw new Error("2026-03-20 is a session");
const { openMs } = session;
const silentAt = (group: number) =>
  market.symbols.filter(
    ({ symbol }) => groupOf(symbol, 2) === group && market.bar(symbol, openMs) === undefined,
  ).length;
const found = (said: number) => {
  const mostNoTrade = new Map([[`${streamName({ group: 0, class: "bars" })} ${openMs}`, said]]);
  return falseAbsences({ market, sessions: [session], symbolGroups: 2, mostNoTrade });
};

describe("minutes that were said not to have traded and did", () => {
  it("are those beyond what really did not trade in that group and minute", () => {
    const silent = silentAt(0);
    expect([found(0), found(silent)]).toEqual([[], []]);
    expect(found(silent + 3)).toEqual([{ stream: "0b", ts: openMs, symbols: 3 }]);
  });
});
