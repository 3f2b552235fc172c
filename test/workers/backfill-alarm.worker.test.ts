import {
  evictDurableObject,
  reset,
  runDurableObjectAlarm,
  runInDurableObject,
} from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { OfferedHole } from "../../src/contracts/backfill.ts";
import { createCalendar } from "../../src/domain/calendar.ts";
import { MINUTE_MS } from "../../src/domain/time.ts";
import { FetchRunner } from "../../src/index.ts";
import { backfillQueueStub } from "../../src/platform/stubs.ts";
import { AWAY, FILLED, nothingOf } from "./support/fake-runner.ts";

/** So far ahead that no alarm fires by itself; the market clock is the system's here. */
const SESSION = createCalendar().nextSession(Date.UTC(2030, 5, 1));
let nowMs = SESSION.openMs;
const hole: OfferedHole = {
  group: 1,
  symbol: "AAPL",
  interval: "1m",
  startMs: SESSION.openMs,
  endMs: SESSION.openMs + 5 * MINUTE_MS,
  priority: 0,
};

beforeEach(() => {
  nowMs = SESSION.openMs + 30 * MINUTE_MS;
  vi.spyOn(Date, "now").mockImplementation(() => nowMs);
  vi.spyOn(Math, "random").mockReturnValue(0.5);
});
afterEach(async () => {
  vi.restoreAllMocks();
  await reset();
});

const queue = () => backfillQueueStub(env, "T0");
const runner = () => vi.spyOn(FetchRunner.prototype, "runBackfill");
const armedMs = () => runInDurableObject(queue(), (_, state) => state.storage.getAlarm());

/** Lets the alarm fire at the time for which it was set, and its jobs end. */
async function fire(): Promise<void> {
  nowMs = (await armedMs()) ?? nowMs;
  await runDurableObjectAlarm(queue());
  await queue().runUntilQuiet();
}

describe("the alarm of a queue", () => {
  it("is armed by an offer, starts the job, and rests when all is filled", async () => {
    const run = runner().mockResolvedValue(FILLED);
    expect(await armedMs()).toBeNull();
    await queue().offer([hole], "gap");
    expect(await armedMs()).toBe(nowMs + 1);
    await fire();
    expect(run).toHaveBeenCalledTimes(1);
    expect((await queue().status()).depth).toBe(0);
  });

  it("is armed at the end of a pause, and the job is asked again then", async () => {
    const run = runner().mockImplementation(async (job) => nothingOf(job, AWAY));
    await queue().offer([hole], "gap");
    await fire();
    const { pause } = await queue().status();
    expect(pause?.untilMs).toBe(nowMs + 7_500);
    expect(await armedMs()).toBe(pause?.untilMs);
    run.mockResolvedValue(FILLED);
    await fire();
    expect((await queue().status()).depth).toBe(0);
  });

  it("that was lost, or never fired, is armed again by the minute's ping", async () => {
    const run = runner().mockResolvedValue(FILLED);
    await queue().offer([hole], "gap");
    await runInDurableObject(queue(), (_, state) => state.storage.deleteAlarm());
    nowMs += MINUTE_MS;
    await queue().ping();
    expect(await armedMs()).toBe(nowMs + 1);
    // A new instance looks by itself, whoever calls it.
    await runInDurableObject(queue(), (_, state) => state.storage.deleteAlarm());
    await evictDurableObject(queue());
    await queue().status();
    expect(await armedMs()).toBe(nowMs + 1);
    await fire();
    expect(run).toHaveBeenCalledTimes(1);
  });

  it("is armed for the end of a lease whose job an object left behind", async () => {
    const { promise } = Promise.withResolvers<never>();
    const run = runner().mockReturnValue(promise);
    await queue().offer([hole], "gap");
    const leasedMs = nowMs;
    await queue().runDue();
    expect(await armedMs()).toBe(leasedMs + 1);
    await runDurableObjectAlarm(queue());
    expect(await armedMs()).toBe(leasedMs + 120_000);
    run.mockResolvedValue(FILLED);
    vi.spyOn(console, "warn").mockImplementation(() => {});
    await fireOnly();
    expect((await queue().list(null, 1)).holes[0]).toMatchObject({ attempts: 0, state: "queued" });
    await fireOnly();
    await vi.waitFor(async () => expect((await queue().status()).depth).toBe(0));
  });
});

/** Lets the alarm fire; a job may hang for ever. */
async function fireOnly(): Promise<void> {
  nowMs = (await armedMs()) ?? nowMs;
  await runDurableObjectAlarm(queue());
}
