import { reset, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createCalendar } from "../../src/domain/calendar.ts";
import { MINUTE_MS } from "../../src/domain/time.ts";
import { sloMonitorStub } from "../../src/platform/stubs.ts";
import { FakePostgres } from "./support/fake-postgres.ts";

const calendar = createCalendar();
/** So far ahead that no alarm fires by itself; the market clock is the system's here. */
const SESSION = calendar.nextSession(Date.UTC(2030, 5, 1));
const EVERY_MS = 30_000;
const postgres = new FakePostgres();
let nowMs = SESSION.openMs;

beforeEach(() => {
  postgres.reset();
  postgres.slo.levels.set("T0 1m", { symbols: ["AAPL"], lacks: {}, completeBeforeMs: nowMs });
  vi.spyOn(Date, "now").mockImplementation(() => nowMs);
  vi.spyOn(globalThis, "fetch").mockImplementation(async (input, init) =>
    postgres.answer(new Request(input, init)),
  );
});
afterEach(async () => {
  vi.restoreAllMocks();
  await reset();
});

const armedMs = () =>
  runInDurableObject(sloMonitorStub(env), (_, state) => state.storage.getAlarm());
const sampled = async () => (await sloMonitorStub(env).status(100)).samples.length;

/** Lets the alarm fire at the time for which it was set. */
async function fire(): Promise<void> {
  nowMs = (await armedMs()) ?? nowMs;
  await runDurableObjectAlarm(sloMonitorStub(env));
}

describe("the alarm of the monitor", () => {
  it("is armed by the first ping, takes a sample each 30 s and arms itself again", async () => {
    nowMs = SESSION.openMs + 10 * MINUTE_MS;
    await sloMonitorStub(env).ping();
    expect(await armedMs()).toBe(nowMs + 1);
    await fire();
    expect(await armedMs()).toBe(SESSION.openMs + 10 * MINUTE_MS + EVERY_MS);
    await fire();
    await fire();
    expect(await sampled()).toBe(3);
  });

  it("is armed again by a ping when it was lost or never fired, and left alone otherwise", async () => {
    nowMs = SESSION.openMs + 20 * MINUTE_MS;
    await sloMonitorStub(env).ping();
    await fire();
    const dueMs = SESSION.openMs + 20 * MINUTE_MS + EVERY_MS;
    nowMs += 10_000;
    await sloMonitorStub(env).ping();
    expect(await armedMs()).toBe(dueMs);
    await runInDurableObject(sloMonitorStub(env), (_, state) => state.storage.deleteAlarm());
    await sloMonitorStub(env).ping();
    expect(await armedMs()).toBe(dueMs);
    nowMs = dueMs + MINUTE_MS;
    await sloMonitorStub(env).ping();
    expect(await armedMs()).toBe(nowMs + 1);
    await fire();
    expect(await sampled()).toBe(2);
  });

  it("is set again though Postgres is away, and rests from the close to the next open", async () => {
    postgres.away = true;
    nowMs = SESSION.closeMs + 210_000 - EVERY_MS - 1;
    await sloMonitorStub(env).ping();
    await fire();
    expect(await armedMs()).toBe(SESSION.closeMs + 210_000);
    await fire();
    expect(await armedMs()).toBe(calendar.nextSession(SESSION.closeMs).openMs);
    expect((await sloMonitorStub(env).status(2)).samples.map(({ state }) => state)).toEqual([
      "unknown",
      "unknown",
    ]);
  });
});
