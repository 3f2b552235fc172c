import {
  evictDurableObject,
  reset,
  runDurableObjectAlarm,
  runInDurableObject,
} from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createCalendar } from "../../src/domain/calendar.ts";
import { groupOf } from "../../src/domain/symbol.ts";
import { MINUTE_MS, SECOND_MS } from "../../src/domain/time.ts";
import { FetchRunner } from "../../src/index.ts";
import { symbolGroupStub } from "../../src/platform/stubs.ts";
import { FakePostgres } from "./support/fake-postgres.ts";

/** So far ahead that no alarm fires by itself; the market clock is the system's here. */
const SESSION = createCalendar().nextSession(Date.UTC(2030, 5, 1));
const TICK_MS = SESSION.openMs + 30 * MINUTE_MS;
/** A poll is due three seconds after the end of its minute. */
const POLL_AFTER_MS = 3 * SECOND_MS;
const SYMBOL = "AAPL";
const GROUP = groupOf(SYMBOL, 32);
const postgres = new FakePostgres();
let nowMs = TICK_MS;

beforeEach(() => {
  nowMs = TICK_MS;
  postgres.reset();
  postgres.members = [{ symbol: SYMBOL, sid: 1, group: GROUP }];
  vi.spyOn(Date, "now").mockImplementation(() => nowMs);
  vi.spyOn(globalThis, "fetch").mockImplementation(async (input, init) =>
    postgres.answer(new Request(input, init)),
  );
});
afterEach(async () => {
  vi.restoreAllMocks();
  await reset();
});

const group = () => symbolGroupStub(env, GROUP);
const armedMs = () => runInDurableObject(group(), (_, state) => state.storage.getAlarm());
const loseAlarm = () => runInDurableObject(group(), (_, state) => state.storage.deleteAlarm());

/** The group has its member from the minute before the tick on. */
async function joined(): Promise<void> {
  nowMs = TICK_MS - MINUTE_MS;
  await group().plan(nowMs);
  nowMs = TICK_MS;
}

/** Lets the alarm fire at the time for which it was set. */
async function fire(): Promise<void> {
  nowMs = (await armedMs()) ?? nowMs;
  await runDurableObjectAlarm(group());
}

describe("the alarm of a group", () => {
  it("is armed for what a tick plans: the poll starts three seconds after its minute", async () => {
    const run = vi.spyOn(FetchRunner.prototype, "run").mockResolvedValue();
    await joined();
    await group().plan(TICK_MS);
    while (nowMs < TICK_MS + POLL_AFTER_MS) await fire();
    expect(run.mock.calls.map(([job]) => job.symbols)).toEqual([[SYMBOL]]);
    expect(nowMs).toBe(TICK_MS + POLL_AFTER_MS);
  });

  it("that was lost, or never fired, is armed again by the next minute's tick", async () => {
    const run = vi.spyOn(FetchRunner.prototype, "run").mockResolvedValue();
    await joined();
    await group().plan(TICK_MS);
    await loseAlarm();
    nowMs = TICK_MS + MINUTE_MS;
    await group().plan(nowMs);
    expect(await armedMs()).toBe(nowMs + 1);
    while (nowMs < TICK_MS + MINUTE_MS + POLL_AFTER_MS) await fire();
    expect(run).toHaveBeenCalled();
    // A new instance looks by itself, whoever calls it.
    await group().plan(TICK_MS + 2 * MINUTE_MS);
    await loseAlarm();
    await evictDurableObject(group());
    await group().status();
    expect(await armedMs()).toBeGreaterThan(nowMs);
  });
});
