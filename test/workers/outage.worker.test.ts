import { describe, expect, it, vi } from "vitest";
import { SymbolGroup } from "../../durable-objects/symbol-group.ts";
import { toIso } from "../../src/domain/time.ts";
import { stepMarketClock } from "../../src/platform/clocks.ts";
import {
  AAPL_GROUP,
  answerOf,
  api,
  group,
  ingestMinute,
  load,
  minute,
  outcomeOf,
  postgres,
  stepTo,
  useWorld,
} from "./support/world.ts";

const G = AAPL_GROUP;
const OUTAGE_MINUTES = 40;
useWorld();

const urlAsOf = (asOfMs: number) =>
  `/v1/bars?symbols=AAPL,ORCL&start=${minute(0)}&end=${minute(390)}&limit=1000&as_of=${toIso(asOfMs)}`;

async function playMinutes(from: number, to: number): Promise<void> {
  for (let index = from; index < to; index += 1)
    await ingestMinute(G, index, { AAPL: 100 + index, ORCL: 50 });
}

describe("reads while Postgres is away for 40 minutes of the market", () => {
  it("answer a pinned URL with the same body after it as before, and 409 to what is not stored yet", async () => {
    await load([G]);
    await playMinutes(0, 5);
    const pinned = urlAsOf(minute(5) + 3_000);
    const before = await (await api(pinned)).text();
    expect(JSON.parse(before)).toMatchObject({ next_page_token: null });
    expect(postgres.rows(G)).toHaveLength(10);

    postgres.away = true;
    await playMinutes(5, 5 + OUTAGE_MINUTES);
    // A bar that the URL has shown is corrected, too.
    const askedAt = minute(45) + 10_000;
    stepMarketClock(askedAt);
    const correction = answerOf({ AAPL: { 2: 777 } }, { fromIndex: 2, toIndex: 3, askedAt });
    await group(G).ingest("test", outcomeOf(correction));
    await group(G).runUntilQuiet();
    const unknown = await api(urlAsOf(minute(30)));
    expect(unknown.status).toBe(409);
    expect(await unknown.json()).toMatchObject({
      code: "not_yet_known",
      // One millisecond before the first flush that waits.
      horizon: toIso(minute(6) + 3_000 - 1),
    });
    // What is stored can't be read now, and nothing is made up.
    const refused = await api(pinned);
    expect([refused.status, refused.headers.get("Retry-After")]).toEqual([503, "5"]);
    expect(await refused.json()).toMatchObject({ code: "unavailable" });

    postgres.away = false;
    await stepTo(minute(48), [G]);
    await stepTo(minute(50), [G]);
    expect(postgres.rows(G)).toHaveLength(10 + 2 * OUTAGE_MINUTES + 1);
    expect(await (await api(pinned)).text()).toBe(before);
    const after = await (await api(urlAsOf(minute(30)))).text();
    // The minute 28 was known a little before, the next one a little later.
    expect(after.match(/"symbol"/g)).toHaveLength(2 * 29);
    expect(await (await api(urlAsOf(askedAt))).text()).toContain("777");
  });
});

describe("a read that pins a time while a group cannot be reached", () => {
  it("is not answered when Postgres does not know the group either", async () => {
    await load([G]);
    stepMarketClock(minute(3));
    const horizon = vi
      .spyOn(SymbolGroup.prototype, "horizon")
      .mockRejectedValue(new Error("the object is being moved"));
    expect((await api(urlAsOf(minute(1)))).status).toBe(409);
    horizon.mockRestore();
  });
});
