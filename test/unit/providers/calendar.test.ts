import { describe, expect, it } from "vitest";
import { createCalendar } from "../../../src/domain/calendar.ts";
import { calendarDifferences, differenceText } from "../../../src/domain/calendar-claim.ts";
import { createAlpaca } from "../../../src/providers/alpaca/index.ts";
import { createPolygon } from "../../../src/providers/polygon/index.ts";
import { hasPayloads, payloadText } from "../../support/provider-payloads.ts";
import { htmlAnswer, jsonAnswer, scriptedDeps } from "../../support/scripted-deps.ts";

const NOW_MS = Date.parse("2022-05-16T10:10:00Z");
const REQUEST = { from: "2022-05-16", through: "2022-12-30" };
const calendar = createCalendar();

const alpaca = createAlpaca({
  baseUrl: "https://data.test",
  tradingUrl: "https://trading.test/",
  keyId: "id",
  secret: "s",
  plan: "basic",
  feed: "sip",
});
const polygon = createPolygon({ baseUrl: "https://polygon.test", apiKey: "k", plan: "basic" });

/** The first days that Alpaca's own client tests record: hours in New York wall time. */
const day = (date: string, open = "09:30", close = "16:00") => ({
  date,
  open,
  close,
  session_open: "0400",
  session_close: "2000",
});

async function ask(
  provider: Pick<typeof alpaca, "fetchCalendar">,
  body: unknown,
  request = REQUEST,
) {
  const scripted = scriptedDeps(() => jsonAnswer(body), NOW_MS);
  const answer = await provider.fetchCalendar(request, scripted.deps);
  return { ...answer, scripted };
}

describe("Alpaca's calendar", () => {
  const request = { from: "2022-05-16", through: "2022-05-18" };
  const days = [day("2022-05-16"), day("2022-05-17", "09:30", "13:00")];

  it("is asked of the trading host, for both ends, on one credit", async () => {
    const { scripted, calls, failure } = await ask(alpaca, days, request);
    expect(scripted.requests.map(({ url }) => url)).toEqual([
      "https://trading.test/v2/calendar?start=2022-05-16&end=2022-05-18",
    ]);
    expect(scripted.requests[0]?.headers).toEqual({
      "APCA-API-KEY-ID": "id",
      "APCA-API-SECRET-KEY": "s",
    });
    expect(scripted.spent()).toBe(1);
    expect([failure, calls.map(({ endpoint, code }) => `${endpoint} ${code}`)]).toEqual([
      null,
      ["calendar ok"],
    ]);
  });

  it("says the hours of each day it lists, and closed of the others", async () => {
    const { claim } = await ask(alpaca, days, request);
    if (claim === null) throw new Error("no claim");
    expect(claim.days).toEqual([
      { date: "2022-05-16", hours: { openMinute: 570, closeMinute: 960 } },
      { date: "2022-05-17", hours: { openMinute: 570, closeMinute: 780 } },
    ]);
    const texts = calendarDifferences(claim, calendar, "2022-05-16").map(differenceText);
    expect(texts).toEqual([
      "alpaca closes 2022-05-17 at 13:00, we at 16:00",
      "alpaca has no session on 2022-05-18, we have one",
    ]);
  });

  it.each([
    ["no day at all", []],
    ["a day twice", [day("2022-05-16"), day("2022-05-16")]],
    ["a day that was not asked for", [day("2022-05-19")]],
    ["a close before its open", [day("2022-05-16", "16:00", "09:30")]],
    ["a time that is none", [day("2022-05-16", "9:30")]],
  ])("is malformed with %s: no difference is made of it", async (_, body) => {
    const { claim, failure, calls } = await ask(alpaca, body, request);
    expect([claim, failure?.kind, calls.map(({ code }) => code)]).toEqual([
      null,
      "malformed",
      ["malformed"],
    ]);
  });

  it("that does not come is a failure of its kind", async () => {
    const { deps } = scriptedDeps(() => htmlAnswer(503), NOW_MS);
    const { claim, failure } = await alpaca.fetchCalendar(request, deps);
    expect([claim, failure?.kind]).toEqual([null, "unavailable"]);
  });
});

describe.skipIf(!hasPayloads)("Polygon's holidays as recorded", () => {
  const recorded = (): unknown => JSON.parse(payloadText("polygon", "marketstatus_upcoming.json"));

  it("agree with our calendar from the day after to the last holiday listed", async () => {
    const { claim, scripted, failure } = await ask(polygon, recorded());
    expect(failure).toBeNull();
    expect(scripted.requests.map(({ url }) => url)).toEqual([
      "https://polygon.test/v1/marketstatus/upcoming",
    ]);
    if (claim === null) throw new Error("no claim");
    expect([claim.from, claim.through]).toEqual(["2022-05-17", "2022-12-26"]);
    expect(claim.days.map(({ date }) => date)).toEqual([
      "2022-05-30",
      "2022-06-20",
      "2022-07-04",
      "2022-09-05",
      "2022-11-24",
      "2022-11-25",
      "2022-12-26",
    ]);
    expect(claim.days.find(({ date }) => date === "2022-11-25")?.hours).toEqual({
      openMinute: 570,
      closeMinute: 780,
    });
    expect(calendarDifferences(claim, calendar, "2022-05-16")).toEqual([]);
  });

  it("end with the asked range when they reach further", async () => {
    const { claim } = await ask(polygon, recorded(), { from: "2022-05-16", through: "2022-07-01" });
    expect([claim?.through, claim?.days.length]).toEqual(["2022-07-01", 2]);
  });
});

describe("Polygon's holidays", () => {
  const row = (date: string, more: object = { status: "closed" }) => ({
    exchange: "NYSE",
    name: "a day",
    date,
    ...more,
  });

  it("show a closure that we do not know, and one of ours that they do not", async () => {
    const { claim } = await ask(polygon, [row("2022-05-18"), row("2022-05-31")]);
    if (claim === null) throw new Error("no claim");
    expect(calendarDifferences(claim, calendar, "2022-05-16").map(differenceText)).toEqual([
      "polygon has no session on 2022-05-18, we have one",
      "polygon trades 2022-05-30 from 09:30 to 16:00, we have no session",
      "polygon has no session on 2022-05-31, we have one",
    ]);
  });

  it("say nothing when none is listed for our exchange", async () => {
    const { claim } = await ask(polygon, [{ ...row("2022-05-18"), exchange: "OTC" }]);
    if (claim === null) throw new Error("no claim");
    expect(calendarDifferences(claim, calendar, "2022-05-16")).toEqual([]);
  });

  it.each([
    ["a status that is not known", [row("2022-05-18", { status: "open-late" })]],
    ["an early close without hours", [row("2022-05-18", { status: "early-close" })]],
    [
      "hours of another day",
      [
        row("2022-05-18", {
          status: "early-close",
          open: "2022-05-19T13:30:00Z",
          close: "2022-05-19T17:00:00Z",
        }),
      ],
    ],
    ["a date twice", [row("2022-05-18"), row("2022-05-18")]],
  ])("are malformed with %s", async (_, body) => {
    const { claim, failure } = await ask(polygon, body);
    expect([claim, failure?.kind]).toEqual([null, "malformed"]);
  });
});
