import { describe, expect, it } from "vitest";
import { splitFactor } from "../../../src/domain/split.ts";
import { createPolygon } from "../../../src/providers/polygon/index.ts";
import { polygonSplitsPageSchema } from "../../../src/providers/polygon/schema.ts";
import { toSplit } from "../../../src/providers/polygon/split-map.ts";
import type { HttpResponse } from "../../../src/providers/provider.ts";
import { errorResponse, hasPayloads, payloadText } from "../../support/provider-payloads.ts";
import { jsonAnswer, scriptedDeps } from "../../support/scripted-deps.ts";

const NOW_MS = Date.parse("2026-03-20T11:10:00Z");
const REQUEST = { from: "2026-03-10", through: "2026-04-19" };
const polygon = createPolygon({ baseUrl: "https://polygon.test/x", apiKey: "key", plan: "basic" });

const row = (ticker: string, change: object = {}) => ({
  ticker,
  execution_date: "2026-03-23",
  split_from: 1,
  split_to: 4,
  ...change,
});
async function ask(answer: (url: URL, index: number) => HttpResponse) {
  const scripted = scriptedDeps(answer, NOW_MS);
  return { ...(await polygon.fetchSplits(REQUEST, scripted.deps)), ...scripted };
}

describe.skipIf(!hasPayloads)("the recorded splits", () => {
  it("map to their values: shares after for shares before, under canonical symbols", () => {
    const page = polygonSplitsPageSchema.parse(JSON.parse(payloadText("polygon", "splits.json")));
    const splits = (page.results ?? []).map(toSplit).filter((split) => split !== null);
    expect(splits.map((split) => [split.symbol, split.exDate, splitFactor(split)])).toEqual([
      ["GOOGL", "2022-07-18", 20],
      ["GOOG", "2022-07-18", 20],
      ["CTO", "2022-07-01", 3],
      ["SHOP", "2022-06-29", 10],
      ["SHOP", "2022-06-22", 10],
      ["DXCM", "2022-06-10", 4],
      ["AMZN", "2022-06-06", 20],
      ["BRW", "2022-05-20", 0.5],
      ["CM", "2022-05-16", 2],
      ["CIG.C", "2022-05-02", 4 / 3],
    ]);
  });

  it("are refused to a key whose plan lacks them, which may not be asked again and again", async () => {
    const { failure, splits } = await ask(() =>
      errorResponse("polygon", "err_403_not_entitled.json"),
    );
    expect([failure?.kind, splits]).toEqual(["not_entitled", []]);
  });
});

describe("Polygon's splits", () => {
  it("are asked of the whole market by date, page after page on our own host", async () => {
    const { splits, unmappable, requests, spent, failure, calls } = await ask((_, index) =>
      index === 0
        ? jsonAnswer({
            status: "OK",
            results: [row("NVDA"), row("BACpL")],
            next_url: "https://evil.test/v3/reference/splits?cursor=abc",
          })
        : jsonAnswer({ status: "OK", results: [row("no ticker"), row("BRK.B")] }),
    );
    expect(requests.map(({ url }) => url)).toEqual([
      "https://polygon.test/x/v3/reference/splits?execution_date.gte=2026-03-10&execution_date.lte=2026-04-19&sort=execution_date&order=asc&limit=1000",
      "https://polygon.test/x/v3/reference/splits?cursor=abc",
    ]);
    expect(requests.every(({ headers }) => headers["authorization"] === "Bearer key")).toBe(true);
    expect(splits.map(({ symbol }) => symbol)).toEqual(["NVDA", "BAC.PRL", "BRK.B"]);
    expect([unmappable, failure, spent()]).toEqual([["no ticker"], null, 2]);
    expect(calls.map(({ endpoint, code }) => `${endpoint} ${code}`)).toEqual([
      "splits ok",
      "splits ok",
    ]);
  });

  it("are none where there are no results", async () => {
    const { splits, failure } = await ask(() => jsonAnswer({ status: "OK" }));
    expect([splits, failure]).toEqual([[], null]);
  });

  it.each([
    ["a date that is none", row("NVDA", { execution_date: "2026-02-30" })],
    ["a ratio in words", row("NVDA", { split_to: "four" })],
    ["no ticker", { ...row("NVDA"), ticker: null }],
  ])("are malformed with %s", async (_, bad) => {
    const { failure } = await ask(() => jsonAnswer({ status: "OK", results: [bad] }));
    expect(failure?.kind).toBe("malformed");
  });

  it("that never end, or go round in circles, are malformed", async () => {
    const next = (cursor: number) => `https://polygon.test/x/v3/reference/splits?cursor=${cursor}`;
    const page = (cursor: number) =>
      jsonAnswer({ status: "OK", results: [], next_url: next(cursor) });
    const endless = await ask((_, index) => page(index));
    expect([endless.failure?.kind, endless.requests.length]).toEqual(["malformed", 20]);
    const round = await ask(() => page(1));
    expect([round.failure?.kind, round.requests.length]).toEqual(["malformed", 2]);
  });
});
