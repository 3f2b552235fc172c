import { runInDurableObject } from "cloudflare:test";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { MINUTE_MS } from "../../src/domain/time.ts";
import { stepMarketClock } from "../../src/platform/clocks.ts";
import {
  api,
  currentSession,
  group,
  optionsSay,
  postgres,
  stepTo,
  useWorld,
} from "./support/world.ts";

useWorld();
/** Readiness is kept for some seconds of the wall: it has aged out when the next test begins. */
let aheadMs = 0;
const realNow = Date.now.bind(Date);
beforeEach(() => {
  aheadMs += 60_000;
  vi.spyOn(Date, "now").mockImplementation(() => realNow() + aheadMs);
});

const duties = async () =>
  await runInDurableObject(group(0), (_, state) =>
    state.storage.sql
      .exec<{ name: string }>("SELECT name FROM duty WHERE name LIKE 'task:options:%'")
      .toArray()
      .map(({ name }) => name),
  );
const unserved = async () => {
  const schema = z.object({ warnings: z.array(z.string()) });
  const { warnings } = schema.parse(await (await api("/health/ready")).json());
  return warnings.filter((text) => text.startsWith("options is unserved"));
};
/** The reading of this session, as group g00 plans it twenty minutes behind the close. */
async function readOnce(): Promise<void> {
  const dueMs = currentSession().closeMs + 20 * MINUTE_MS;
  stepMarketClock(dueMs);
  await group(0).plan(dueMs);
  await stepTo(dueMs, [0]);
}

describe("the daily reading of options", () => {
  it("asks for the three funds unless others are named, and stores what their chains say", async () => {
    await readOnce();
    expect(optionsSay.asked).toEqual(["SPY", "QQQ", "IWM"]);
    const { date } = currentSession();
    expect(postgres.actions.options).toEqual([
      `SPY ${date} 0.5`,
      `QQQ ${date} 0.5`,
      `IWM ${date} 0.5`,
    ]);
    expect(await duties()).toEqual([]);
    expect(await unserved()).toEqual([]);
  });

  it("is unserved with its reason for a key without an options plan, and asks no further", async () => {
    const body = { status: "NOT_AUTHORIZED", message: "You are not entitled to this data." };
    optionsSay.refuses = { status: 403, body };
    await readOnce();
    expect(optionsSay.asked).toEqual(["SPY"]);
    expect(await duties()).toEqual([]);
    expect(await unserved()).toEqual([
      "options is unserved: polygon answered 403: You are not entitled to this data.",
    ]);
  });

  it("comes again for what a provider that is away did not answer", async () => {
    optionsSay.refuses = { status: 503, body: {} };
    await readOnce();
    expect(await duties()).toEqual([`task:options:${currentSession().date}`]);
    expect(postgres.actions.options).toEqual([]);
    optionsSay.refuses = null;
    await stepTo(currentSession().closeMs + 26 * MINUTE_MS, [0]);
    expect(postgres.actions.options).toHaveLength(3);
  });
});

describe.each(["/v1/options-metrics", "/v1/macro"])("GET %s", (path) => {
  it("echoes its knowledge time, which is now when none is said", async () => {
    const response = await api(`${path}?start=2026-01-01`);
    expect(response.status).toBe(200);
    const schema = z.looseObject({ as_of: z.string(), next_page_token: z.null() });
    expect(schema.parse(await response.json()).as_of).toBe(
      new Date(currentSession().openMs).toISOString(),
    );
  });

  it.each([
    ["a date that is none", "?start=2026-02-30", 422],
    ["an end before the start", "?start=2026-02-03&end=2026-02-02", 422],
    ["what is not there to be asked for", "?underlying=spy&factor=luck", 422],
    ["a knowledge time that has not come", "?as_of=2030-01-01T00:00:00Z", 409],
    ["a page of another query", "?page_token=abc", 400],
  ])("refuses %s", async (_, query, status) => {
    const response = await api(`${path}${query}`);
    expect(response.status).toBe(status);
    expect(response.headers.get("content-type")).toBe("application/problem+json");
  });

  it("is not for those without a key", async () => {
    expect((await api(path, {})).status).toBe(401);
  });
});
