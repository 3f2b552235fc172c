import { beforeEach, describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { barsQuerySchema, queryShape } from "../../src/api/bars-query.ts";
import { formatPageToken } from "../../src/api/page-token.ts";
import { fnv1a32 } from "../../src/domain/symbol.ts";
import { dayNumberOf } from "../../src/domain/trading-date.ts";
import { stepMarketClock } from "../../src/platform/clocks.ts";
import { quoteOf } from "../support/quotes.ts";
import {
  AAPL_GROUP,
  api,
  currentSession,
  group,
  ingestMinute,
  load,
  minute,
  stepTo,
  useWorld,
} from "./support/world.ts";

useWorld();
/** What the Worker keeps for a while has aged out when the next test begins. */
let aheadMs = 0;
const realNow = Date.now.bind(Date);
beforeEach(() => {
  aheadMs += 60_000;
  vi.spyOn(Date, "now").mockImplementation(() => realNow() + aheadMs);
});

const problemSchema = z.object({ code: z.string(), horizon: z.string().optional() });

/** A route, its query, what its tokens belong to, and what the number of a place counts. */
interface TokenRoute {
  readonly path: string;
  readonly shape: string;
  readonly counts: "instant" | "date" | "version" | "none";
}

const bars = queryShape(barsQuerySchema.parse({ symbols: "AAPL" }));
const ROUTES: readonly TokenRoute[] = [
  { path: "/v1/bars?symbols=AAPL", shape: bars, counts: "instant" },
  { path: "/v1/quotes?symbol=AAPL", shape: "AAPL|quotes||", counts: "instant" },
  { path: "/v1/coverage?symbols=AAPL", shape: "coverage|AAPL||", counts: "instant" },
  {
    path: "/v1/corporate-actions?",
    shape: "actions||1990-01-01|2030-12-31|",
    counts: "date",
  },
  { path: "/v1/macro?", shape: "macro||1990-01-01|2030-12-31", counts: "date" },
  { path: "/v1/options-metrics?", shape: "options||1990-01-01|2030-12-31", counts: "date" },
  { path: "/v1/universe?", shape: "universe|", counts: "none" },
  { path: "/v1/universe/versions?", shape: "versions||0", counts: "version" },
  { path: "/ops/parked?", shape: "parked", counts: "instant" },
  { path: "/ops/dlq/backfills?", shape: "letters|dead||", counts: "instant" },
];

/** The fields behind the hash, as JSON has them: as_of, start, end, symbol, place. */
type Fields = readonly [string, string, string, string, string];

function trueFields({ counts }: TokenRoute): Fields {
  const [startMs, endMs] = [currentSession().openMs, minute(1)].map(String);
  const places = { date: dayNumberOf(2026, 3, 20), version: 1, none: 0, instant: minute(0) };
  return [`${minute(1)}`, `${startMs}`, `${endMs}`, '"AAPL"', `${places[counts]}`];
}

const tokenOf = (fields: readonly (string | number)[]) =>
  btoa(`[${fields.join(",")}]`)
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");

const NO_INSTANTS = ["-1", "1.5", "1e300", "1e999", "9007199254740993", "null", '"NaN"'];
const NO_SYMBOLS = [String.raw`"A\u0000B"`, String.raw`"A\nB"`, String.raw`"\ud800"`, "1", "null"];
/** As long as a token may be that is parsed at all. */
const LONG_SYMBOL = `"${"A".repeat(101)}"`;
const NO_PLACES = {
  instant: [...NO_INSTANTS, "4102444800001"],
  date: [...NO_INSTANTS, "1", "7304", "22280", "4102444800000"],
  version: [...NO_INSTANTS, "2147483648"],
  none: [...NO_INSTANTS, "1"],
};

/** Every token with the right hash that has one field wrong. */
function* forgeries(route: TokenRoute): Generator<string> {
  const fields = trueFields(route);
  const wrong = [NO_INSTANTS, NO_INSTANTS, NO_INSTANTS, NO_SYMBOLS, NO_PLACES[route.counts]];
  for (const [at, values] of wrong.entries())
    for (const value of values) yield tokenOf([fnv1a32(route.shape), ...fields.with(at, value)]);
  yield tokenOf([fnv1a32(route.shape), "0", "0", "0", LONG_SYMBOL, "0"]);
  for (const value of NO_INSTANTS.filter((one) => one !== "null"))
    yield tokenOf([fnv1a32(route.shape), ...fields, value]);
}

async function codeOf(path: string) {
  const response = await api(path);
  return [response.status, problemSchema.parse(await response.json()).code];
}

describe("a page token that a client has written", () => {
  it.each(ROUTES)("is refused by $path when a field cannot be", async (route) => {
    await load([AAPL_GROUP]);
    await ingestMinute(AAPL_GROUP, 0, { AAPL: 100 });
    await ingestMinute(AAPL_GROUP, 1, { AAPL: 101 });
    const good = tokenOf([fnv1a32(route.shape), ...trueFields(route)]);
    // It is the field that is refused, and not the whole token.
    expect(await codeOf(`${route.path}&page_token=${good}x`)).toEqual([400, "bad_page_token"]);
    const taken = await api(`${route.path}&page_token=${good}`);
    expect(taken.status, await taken.text()).not.toBe(400);
    for (const token of forgeries(route)) {
      const refused = await codeOf(`${route.path}&page_token=${token}`);
      expect(refused, atob(token.replaceAll("-", "+"))).toEqual([400, "bad_page_token"]);
    }
  });

  it("is refused by /v1/bars/diff, too", async () => {
    await load([AAPL_GROUP]);
    await ingestMinute(AAPL_GROUP, 0, { AAPL: 100 });
    const path = "/v1/bars/diff?symbols=AAPL&as_of_a=1";
    const fields = [`${minute(1)}`, `${minute(1)}000`, '"AAPL"', `${minute(0)}`];
    const token = (some: readonly string[]) =>
      tokenOf(['"diff"', fnv1a32("AAPL|1m||1|||"), ...some]);
    expect((await api(`${path}&page_token=${token(fields)}`)).status).toBe(200);
    const wrong = [NO_INSTANTS, [...NO_INSTANTS, "4102444800000001"], NO_SYMBOLS, NO_INSTANTS];
    const forged = wrong.flatMap((values, at) => values.map((value) => fields.with(at, value)));
    for (const some of [...forged, ["0", "0", LONG_SYMBOL, "0"]]) {
      const refused = await codeOf(`${path}&page_token=${token(some)}`);
      expect(refused, some.join(" ")).toEqual([400, "bad_page_token"]);
    }
  });

  it("cannot have quotes read as of a time that is not known completely", async () => {
    await load([AAPL_GROUP]);
    const times = { ts: minute(1), lastTs: minute(1), askedAt: minute(1) };
    stepMarketClock(minute(1));
    await group(AAPL_GROUP).ingestQuotes({ quotes: [quoteOf(times)], receivedAt: 1 });
    await group(AAPL_GROUP).runUntilQuiet();
    await stepTo(minute(3), [AAPL_GROUP]);
    const { horizon } = z
      .object({ horizon: z.string() })
      .parse(await (await api("/v1/quotes?symbol=AAPL")).json());
    const place = { startMs: 0, endMs: minute(9), after: { symbol: "AAPL", ts: 0 } };
    const answer = async (asOfMs: number) => {
      const token = formatPageToken({ asOfMs, ...place }, "AAPL|quotes||");
      return await api(`/v1/quotes?symbol=AAPL&page_token=${token}`);
    };
    expect((await answer(Date.parse(horizon))).status).toBe(200);
    const early = await answer(Date.parse(horizon) + 1);
    expect(early.status).toBe(409);
    expect(await early.json()).toMatchObject({ code: "not_yet_known", horizon });
  });
});
