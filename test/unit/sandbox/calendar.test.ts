import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createCalendar } from "../../../src/domain/calendar.ts";
import { calendarDifferences } from "../../../src/domain/calendar-claim.ts";
import { createAlpaca } from "../../../src/providers/alpaca/index.ts";
import { createHttpGet } from "../../../src/providers/http-get.ts";
import { createPolygon } from "../../../src/providers/polygon/index.ts";
import type { ProviderDeps } from "../../../src/providers/provider.ts";
import type { RunningSandbox } from "../../support/running-sandbox.ts";
import { KEYS, startTestSandbox } from "../../support/running-sandbox.ts";

const NOW_MS = Date.parse("2026-11-23T15:00:00Z");
const REQUEST = { from: "2026-11-23", through: "2027-01-22" };
/** The market of the sandbox closes on a day and early on another that the rules do not know. */
const own = createCalendar([
  { date: "2026-12-01", closed: true },
  { date: "2026-12-03", close: "12:00" },
]);
let sandbox: RunningSandbox;
beforeAll(async () => {
  sandbox = await startTestSandbox({ calendar: own });
  sandbox.setNow(NOW_MS);
});
afterAll(async () => {
  await sandbox.stop();
});

const deps: ProviderDeps = {
  get: createHttpGet((url, init) => fetch(url, init)),
  now: () => NOW_MS,
  elapsed: () => 0,
  timeoutMs: 5_000,
  spend: async () => {},
};

describe("the trading days ahead, as the sandbox's providers say them", () => {
  it.each(["alpaca", "polygon"])("are those of its own market: %s", async (id) => {
    const provider =
      id === "alpaca"
        ? createAlpaca({
            baseUrl: sandbox.url,
            tradingUrl: sandbox.url,
            keyId: KEYS.alpacaKeyId,
            secret: KEYS.alpacaSecret,
            plan: "plus",
            feed: "sip",
          })
        : createPolygon({ baseUrl: sandbox.url, apiKey: KEYS.polygonApiKey, plan: "advanced" });
    const { claim, failure } = await provider.fetchCalendar(REQUEST, deps);
    if (claim === null) throw failure ?? new Error("no claim");
    expect(claim.through).toBe("2027-01-22");
    expect(calendarDifferences(claim, own, REQUEST.from)).toEqual([]);
    const differing = calendarDifferences(claim, createCalendar(), REQUEST.from);
    expect(differing.map(({ date }) => date)).toEqual(["2026-12-01", "2026-12-03"]);
  });
});
