import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { createCalendar } from "../../src/domain/calendar.ts";
import { newYorkMs, tradingDateOf } from "../../src/domain/new-york-time.ts";
import { DAY_MS, MINUTE_MS } from "../../src/domain/time.ts";
import {
  api,
  currentSession,
  group,
  load,
  postgres,
  splitsSay,
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

const calendar = createCalendar();
const NOT_ENTITLED = {
  status: 403,
  body: { status: "NOT_AUTHORIZED", message: "You are not entitled to this data." },
};
const readySchema = z.object({ ready: z.boolean(), warnings: z.array(z.string()) });
const unserved = async () => {
  aheadMs += 60_000;
  const { warnings } = readySchema.parse(await (await api("/health/ready")).json());
  return warnings.filter((text) => text.includes("is unserved"));
};
const duties = async () =>
  await runInDurableObject(group(0), (_, state) =>
    state.storage.sql
      .exec<{ name: string; due_ms: number }>(
        "SELECT name, due_ms FROM duty WHERE name LIKE 'task:splits:%'",
      )
      .toArray(),
  );
/** The reading of this test's session, as group g00 has planned it at the open, run to its end. */
async function readOnce(): Promise<void> {
  await load([0]);
  await stepTo(currentSession().openMs + 1, [0]);
}
const dateFrom = (ms: number, days: number) => tradingDateOf(ms + days * DAY_MS);

describe("the daily reading of splits", () => {
  it("asks for two years at first and for forty days from then on, once a trading date", async () => {
    const { openMs, closeMs } = currentSession();
    splitsSay.rows = [
      { ticker: "AAPL", execution_date: dateFrom(openMs, 5), split_from: 1, split_to: 4 },
      { ticker: "BACpL", execution_date: dateFrom(openMs, -300), split_from: 10, split_to: 1 },
      { ticker: "no ticker", execution_date: dateFrom(openMs, 5), split_from: 1, split_to: 2 },
    ];
    await readOnce();
    expect(splitsSay.asked).toEqual([`${dateFrom(openMs, -730)} ${dateFrom(openMs, 30)}`]);
    expect(postgres.actions.put).toEqual([
      `AAPL ${dateFrom(openMs, 5)} 1:4`,
      `BAC.PRL ${dateFrom(openMs, -300)} 10:1`,
    ]);
    expect(await duties()).toEqual([]);
    await readOnce();
    expect(splitsSay.asked).toHaveLength(1);
    const next = calendar.nextSession(closeMs);
    const dueMs = newYorkMs(next.date, 7 * 60 + 10);
    await group(0).plan(dueMs);
    await stepTo(dueMs, [0]);
    expect(splitsSay.asked.slice(1)).toEqual([`${dateFrom(openMs, -10)} ${dateFrom(dueMs, 30)}`]);
  });

  it("is unserved with its reason for a key that is not entitled, which is no fault", async () => {
    splitsSay.refuses = NOT_ENTITLED;
    await readOnce();
    expect(await duties()).toEqual([]);
    await evictDurableObject(group(0));
    expect(await unserved()).toEqual([
      "splits is unserved: polygon answered 403: You are not entitled to this data.",
    ]);
    splitsSay.refuses = null;
    const next = calendar.nextSession(currentSession().closeMs);
    const dueMs = newYorkMs(next.date, 7 * 60 + 10);
    await group(0).plan(dueMs);
    await stepTo(dueMs, [0]);
    expect(await unserved()).toEqual([]);
  });

  it("comes again when the provider is away, and nothing counts as withdrawn", async () => {
    splitsSay.refuses = { status: 503, body: {} };
    await readOnce();
    const [duty] = await duties();
    expect(duty?.due_ms).toBeGreaterThanOrEqual(currentSession().openMs + 5 * MINUTE_MS);
    expect(postgres.actions.lastAskedMs).toBeNull();
    expect(await unserved()).toEqual([]);
  });
});

describe("GET /v1/corporate-actions", () => {
  const schema = z.object({
    actions: z.array(z.unknown()),
    as_of: z.string(),
    next_page_token: z.string().nullable(),
  });

  it("echoes its knowledge time, which is now when none is said", async () => {
    const response = await api("/v1/corporate-actions?symbols=AAPL,BRK.B&start=2026-01-01");
    expect(response.status).toBe(200);
    expect(schema.parse(await response.json())).toEqual({
      actions: [],
      as_of: new Date(currentSession().openMs).toISOString(),
      next_page_token: null,
    });
  });

  it.each([
    ["a symbol that is none", "?symbols=aapl", 422],
    ["a date that is none", "?start=2026-02-30", 422],
    ["an end before the start", "?start=2026-02-03&end=2026-02-02", 422],
    ["an unknown part", "?include=dividends", 422],
    ["too many rows", "?limit=10001", 422],
    ["a knowledge time that has not come", "?as_of=2030-01-01T00:00:00Z", 409],
    ["a page of another query", "?page_token=abc", 400],
  ])("refuses %s", async (_, query, status) => {
    const response = await api(`/v1/corporate-actions${query}`);
    expect(response.status).toBe(status);
    expect(response.headers.get("content-type")).toBe("application/problem+json");
  });

  it("is not for those without a key", async () => {
    expect((await api("/v1/corporate-actions", {})).status).toBe(401);
  });
});
