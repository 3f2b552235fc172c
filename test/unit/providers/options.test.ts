import { describe, expect, it } from "vitest";
import { z } from "zod";
import { createPolygon } from "../../../src/providers/polygon/index.ts";
import { toOptionContract } from "../../../src/providers/polygon/option-map.ts";
import { polygonOptionSchema } from "../../../src/providers/polygon/schema.ts";
import type { HttpResponse } from "../../../src/providers/provider.ts";
import { errorResponse, hasPayloads, payloadText } from "../../support/provider-payloads.ts";
import { jsonAnswer, scriptedDeps } from "../../support/scripted-deps.ts";

const NOW_MS = Date.parse("2026-03-20T20:20:00Z");
const DATE = "2026-03-20";
const REQUEST = { underlying: "SPY", date: DATE, through: "2026-05-04" };
const polygon = createPolygon({ baseUrl: "https://polygon.test/x", apiKey: "key", plan: "basic" });
/** New York midnight of the date, as the API writes it. */
const TODAY_NS = Date.parse("2026-03-20T04:00:00Z") * 1e6;

const details = { contract_type: "call", expiration_date: "2026-04-17", strike_price: 500 };
const row = (change: object = {}) => ({
  details,
  day: { volume: 7, last_updated: TODAY_NS },
  greeks: { delta: 0.4 },
  implied_volatility: 0.2,
  open_interest: 9,
  underlying_asset: { ticker: "SPY", price: 501.5 },
  ...change,
});
async function ask(answer: (url: URL, index: number) => HttpResponse, underlying = "SPY") {
  const scripted = scriptedDeps(answer, NOW_MS);
  const told = await polygon.fetchOptionChain({ ...REQUEST, underlying }, scripted.deps);
  return { ...told, ...scripted };
}
const contractOf = (change: object) =>
  toOptionContract(polygonOptionSchema.parse(row(change)), DATE);

describe.skipIf(!hasPayloads)("recorded options", () => {
  it("have the fields that a chain is read from (the universal snapshot writes them alike)", () => {
    const page = z
      .object({ results: z.array(z.looseObject({ type: z.string().optional() })) })
      .parse(JSON.parse(payloadText("polygon", "snapshot_universal_v3.json")));
    const [recorded] = page.results.filter(({ type }) => type === "options");
    expect(toOptionContract(polygonOptionSchema.parse(recorded), DATE)).toEqual({
      kind: "call",
      expiry: "2022-10-14",
      strike: 5,
      volume: null,
      openInterest: 8_921,
      iv: 0.304_899_709_786_495_7,
      delta: 0.552_018_737_227_293_3,
    });
  });

  it("are refused to a key without an options plan", async () => {
    const { failure, chain } = await ask(() =>
      errorResponse("polygon", "err_403_not_entitled.json"),
    );
    expect([failure?.kind, chain]).toEqual(["not_entitled", null]);
  });
});

describe("a row of a chain", () => {
  it("maps to its values", () => {
    expect(contractOf({})).toEqual({
      kind: "call",
      expiry: "2026-04-17",
      strike: 500,
      volume: 7,
      openInterest: 9,
      iv: 0.2,
      delta: 0.4,
    });
  });

  it.each([
    [
      "of a day long past is none of today",
      { volume: 7, last_updated: TODAY_NS - 7 * 86_400e12 },
      0,
    ],
    ["without a time can't be told", { volume: 7 }, null],
    ["with the time 0 can't be told", { volume: 7, last_updated: 0 }, null],
    ["of an empty day is none", {}, 0],
    ["of no day can't be told", null, null],
  ])("volume %s", (_, day, volume) => {
    expect(contractOf({ day })?.volume).toBe(volume);
  });

  it("has neither delta nor volatility where the API could not work them out", () => {
    const contract = contractOf({ greeks: {}, implied_volatility: undefined });
    expect([contract?.delta, contract?.iv]).toEqual([null, null]);
    expect(contractOf({ implied_volatility: 0, greeks: null })?.iv).toBeNull();
  });

  it("is left out when it is neither call nor put, or has no strike", () => {
    expect(contractOf({ details: { ...details, contract_type: "other" } })).toBeNull();
    expect(contractOf({ details: { ...details, strike_price: 0 } })).toBeNull();
  });
});

describe("Polygon's option chain", () => {
  it("is read page after page on our own host, within the asked expiries", async () => {
    const { chain, requests, failure } = await ask((_, index) =>
      jsonAnswer({
        status: "OK",
        results: [row()],
        ...(index === 0 ? { next_url: "https://evil.test/v3/snapshot/options/SPY?cursor=a" } : {}),
      }),
    );
    expect(requests.map(({ url }) => url)).toEqual([
      "https://polygon.test/x/v3/snapshot/options/SPY?expiration_date.gte=2026-03-20&expiration_date.lte=2026-05-04&limit=250&sort=ticker&order=asc",
      "https://polygon.test/x/v3/snapshot/options/SPY?cursor=a",
    ]);
    expect(failure).toBeNull();
    expect(chain).toMatchObject({ underlying: "SPY", date: DATE, price: 501.5 });
    expect(chain?.contracts).toHaveLength(2);
  });

  it("is no answer when a page of it is missing, endless, or of another underlying", async () => {
    const next = (cursor: number) => ({ next_url: `https://a.test/v3/snapshot?cursor=${cursor}` });
    const page = (more: object) => jsonAnswer({ status: "OK", results: [row()], ...more });
    const cut = await ask((_, index) =>
      index === 0 ? page(next(1)) : { status: 503, headers: {}, body: "" },
    );
    expect([cut.chain, cut.failure?.kind]).toEqual([null, "unavailable"]);
    const endless = await ask((_, index) => page(next(index)));
    expect([endless.chain, endless.requests.length]).toEqual([null, 80]);
    const foreign = { underlying_asset: { ticker: "QQQ", price: 1 } };
    const other = await ask(() => jsonAnswer({ status: "OK", results: [row(foreign)] }));
    expect([other.chain, other.failure?.kind]).toEqual([null, "malformed"]);
  });

  it("is not found where there are no options, and not asked for what has no ticker", async () => {
    const none = await ask(() => jsonAnswer({ status: "OK" }));
    expect([none.chain, none.failure?.kind]).toEqual([null, "not_found"]);
    const preferred = await ask(() => jsonAnswer({ status: "OK" }), "BAC.PRL");
    expect([preferred.failure?.kind, preferred.requests.length]).toEqual(["bad_request", 0]);
  });
});
