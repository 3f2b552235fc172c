import { afterEach, describe, expect, it } from "vitest";
import { faultScheduleSchema } from "../../../dev/sandbox/fault.ts";
import { createFaultBook } from "../../../dev/sandbox/fault-book.ts";
import { HOUR_MS, MINUTE_MS } from "../../../src/domain/time.ts";
import { ALPACA_HEADERS, OPEN_MS, startTestSandbox } from "../../support/running-sandbox.ts";
import type { RunningSandbox } from "../../support/running-sandbox.ts";

const QUOTES = "/v2/stocks/quotes/latest?symbols=AAPL";
const ASSETS = "/v2/assets";
const BARS = { provider: "alpaca", endpoint: "bars_1m" } as const;
const ALPACA_QUOTES = { provider: "alpaca", endpoint: "quotes_l1" } as const;

let sandbox: RunningSandbox | undefined;
afterEach(async () => {
  await sandbox?.stop();
  sandbox = undefined;
});

describe("a schedule of faults", () => {
  it.each([
    [[{ provider: "alpaca", fault: "mute", fromMs: 0, toMs: 1 }], true],
    [[{ provider: "iex", fault: "latency", delayMs: 700, fromMs: -5, toMs: 1 }], true],
    [[{ provider: "alpaca", fault: "mute", fromMs: 1, toMs: 1 }], false],
    [[{ provider: "alpaca", fault: "tired", fromMs: 0, toMs: 1 }], false],
    [[{ provider: "alpaca", fault: "mute", fromMs: 0.5, toMs: 1 }], false],
    [[{ provider: "alpaca", fault: "mute", from: 0, toMs: 1 }], false],
    [{ provider: "alpaca", fault: "mute", fromMs: 0, toMs: 1 }, false],
  ])("is parsed: %j is %s", (schedule, isValid) => {
    expect(faultScheduleSchema.safeParse(schedule).success).toBe(isValid);
  });

  it("holds from its start, not at its end, and only for its endpoint", () => {
    const faults = faultScheduleSchema.parse([
      { provider: "alpaca", fault: "down", endpoint: "quotes_l1", fromMs: 10, toMs: 20 },
    ]);
    const book = createFaultBook(faults, 1_000);
    const at = (nowMs: number) => book.at(ALPACA_QUOTES, nowMs).fault;
    expect([1_009, 1_010, 1_019, 1_020].map(at)).toEqual([null, "down", "down", null]);
    expect(book.at(BARS, 1_015).fault).toBeNull();
    expect(book.at({ provider: "iex", endpoint: "quotes_l1" }, 1_015).fault).toBeNull();
    expect(book.at({ provider: "alpaca", endpoint: null }, 1_015).fault).toBeNull();
  });

  it("adds latency to another fault, and gives way to what is set by hand", () => {
    const faults = faultScheduleSchema.parse([
      { provider: "alpaca", fault: "latency", delayMs: 30, fromMs: 0, toMs: 100 },
      { provider: "alpaca", fault: "latency", delayMs: 90, fromMs: 0, toMs: 100 },
      { provider: "alpaca", fault: "html_502", fromMs: 0, toMs: 100 },
    ]);
    const book = createFaultBook(faults, 0);
    expect(book.at(BARS, 5)).toEqual({ fault: "html_502", delayMs: 90 });
    book.set("alpaca", "down");
    book.set("alpaca", "empty_200", { endpoint: "bars_1m" });
    expect(book.at(BARS, 5).fault).toBe("empty_200");
    expect(book.at(ALPACA_QUOTES, 5).fault).toBe("down");
    book.set("alpaca", null, { endpoint: "bars_1m" });
    expect(book.at(BARS, 5).fault).toBe("down");
    book.set("alpaca", "hang", { endpoint: "bars_1m" });
    book.set("alpaca", null);
    expect([book.at(BARS, 5).fault, book.at(BARS, 500).fault]).toEqual(["html_502", null]);
  });

  it("follows market time inside the sandbox", async () => {
    sandbox = await startTestSandbox({
      faults: [
        { provider: "alpaca", fault: "server_error", fromMs: 3 * HOUR_MS, toMs: 4 * HOUR_MS },
      ],
      faultOriginMs: OPEN_MS,
    });
    const statuses: number[] = [];
    for (const hours of [2, 3, 4]) {
      sandbox.setNow(OPEN_MS + hours * HOUR_MS);
      statuses.push((await sandbox.get(QUOTES, ALPACA_HEADERS)).status);
    }
    expect(statuses).toEqual([200, 500, 200]);
  });
});

describe("a mute provider", () => {
  it("closes its connections when it is healed", async () => {
    sandbox = await startTestSandbox();
    const running = sandbox;
    sandbox.setFault("alpaca", "mute", { endpoint: "quotes_l1" });
    const call = sandbox.get(QUOTES, ALPACA_HEADERS).catch((error: unknown) => error);
    await expect.poll(() => running.stats().alpaca.requests).toBe(1);
    sandbox.setFault("alpaca", null);
    expect(await call).toBeInstanceOf(TypeError);
    expect(sandbox.stats().alpaca.answers).toEqual({});
    expect((await sandbox.get(QUOTES, ALPACA_HEADERS)).status).toBe(200);
  });

  it("by schedule closes them at the first request after its end", async () => {
    sandbox = await startTestSandbox({
      faults: [
        { provider: "alpaca", fault: "mute", endpoint: "quotes_l1", fromMs: 0, toMs: OPEN_MS },
      ],
    });
    const running = sandbox;
    sandbox.setNow(OPEN_MS - MINUTE_MS);
    const call = sandbox.get(QUOTES, ALPACA_HEADERS).catch((error: unknown) => error);
    await expect.poll(() => running.stats().alpaca.requests).toBe(1);
    expect((await sandbox.get(ASSETS, ALPACA_HEADERS)).status).toBe(200);
    sandbox.setNow(OPEN_MS);
    expect((await sandbox.get(ASSETS, ALPACA_HEADERS)).status).toBe(200);
    expect(await call).toBeInstanceOf(TypeError);
  });
});

describe("a slow provider", () => {
  it("answers well, and late by the wall clock", async () => {
    sandbox = await startTestSandbox();
    sandbox.setFault("alpaca", "latency", { delayMs: 40 });
    const begun = performance.now();
    expect((await sandbox.get(QUOTES, ALPACA_HEADERS)).status).toBe(200);
    expect(performance.now() - begun).toBeGreaterThanOrEqual(39);
  });

  it("answers no one who has given up", async () => {
    sandbox = await startTestSandbox();
    const running = sandbox;
    sandbox.setFault("alpaca", "latency", { delayMs: 60_000 });
    const abort = new AbortController();
    const call = fetch(new URL(QUOTES, running.url), {
      headers: ALPACA_HEADERS,
      signal: abort.signal,
    });
    await expect.poll(() => running.stats().alpaca.requests).toBe(1);
    abort.abort();
    await expect(call).rejects.toThrow(/abort/i);
    sandbox.setFault("alpaca", null);
    expect((await sandbox.get(QUOTES, ALPACA_HEADERS)).status).toBe(200);
    expect(running.stats().alpaca.answers).toEqual({ "200": 1 });
  });
});
