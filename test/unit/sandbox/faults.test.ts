import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { faultSchema } from "../../../dev/sandbox/fault.ts";
import type { Fault } from "../../../dev/sandbox/fault.ts";
import { MINUTE_MS, toIso } from "../../../src/domain/time.ts";
import {
  ALPACA_HEADERS,
  OPEN_MS,
  POLYGON_HEADERS,
  startTestSandbox,
} from "../../support/running-sandbox.ts";
import type { RunningSandbox } from "../../support/running-sandbox.ts";

const CALLS = {
  alpaca: [
    `/v2/stocks/bars?timeframe=1Min&symbols=AAPL&start=${toIso(OPEN_MS)}&limit=1`,
    ALPACA_HEADERS,
  ],
  polygon: [
    `/v2/aggs/ticker/AAPL/range/1/minute/${OPEN_MS}/${OPEN_MS + MINUTE_MS}`,
    POLYGON_HEADERS,
  ],
} as const;

let sandbox: RunningSandbox;
beforeEach(async () => {
  sandbox = await startTestSandbox();
});
afterEach(() => sandbox.stop());

async function answerOf(provider: keyof typeof CALLS): Promise<{ status: number; body: string }> {
  const [path, headers] = CALLS[provider];
  const response = await sandbox.get(path, headers);
  return { status: response.status, body: await response.text() };
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

describe.each(["alpaca", "polygon"] as const)("faults of %s", (provider) => {
  it.each<[Fault, number, boolean]>([
    ["down", 503, true],
    ["server_error", 500, true],
    ["html_502", 502, false],
    ["rate_limited", 429, true],
    ["rate_limited_bare", 429, false],
    ["unauthorized", 401, true],
    ["not_entitled", 403, true],
    ["truncated_page", 200, false],
    ["not_json", 200, false],
    ["bad_schema", 200, true],
    ["empty_200", 200, true],
  ])("%s answers %i", async (fault, status, json) => {
    sandbox.setFault(provider, fault);
    const answer = await answerOf(provider);
    expect([answer.status, isJson(answer.body)]).toEqual([status, json]);
  });

  it("leave the other provider well and end when healed", async () => {
    const well = await answerOf(provider);
    const other = provider === "alpaca" ? "polygon" : "alpaca";
    sandbox.setFault(provider, "down");
    expect((await answerOf(other)).status).toBe(200);
    expect((await answerOf(provider)).status).toBe(503);
    sandbox.setFault(provider, null);
    expect((await answerOf(provider)).status).toBe(well.status);
  });

  it("put text where numbers belong, and say nothing traded, in the right shape", async () => {
    sandbox.setFault(provider, "bad_schema");
    expect((await answerOf(provider)).body).toMatch(/"o":"\d+\.\d+"/);
    sandbox.setFault(provider, "empty_200");
    const { body } = await answerOf(provider);
    if (provider === "alpaca") expect(body).toBe('{"bars":{},"next_page_token":null}');
    else expect(JSON.parse(body)).toMatchObject({ ticker: "AAPL", count: 0, status: "OK" });
    expect(body).not.toContain('results":[');
  });

  it("never answer while hanging, until the caller gives up", async () => {
    sandbox.setFault(provider, "hang");
    const [path, headers] = CALLS[provider];
    const abort = new AbortController();
    const call = fetch(new URL(path, sandbox.url), { headers, signal: abort.signal });
    await expect.poll(() => sandbox.stats()[provider].requests).toBe(1);
    abort.abort();
    await expect(call).rejects.toThrow(/abort/i);
    expect(sandbox.stats()[provider]).toMatchObject({ requests: 1, answers: {} });
  });
});

describe("the sandbox's admin endpoint", () => {
  function post(body: string): Promise<Response> {
    return fetch(new URL("/__sandbox/fault", sandbox.url), { method: "POST", body });
  }

  it("sets and heals every fault by name", async () => {
    for (const fault of [...faultSchema.options, null]) {
      const response = await post(JSON.stringify({ provider: "polygon", fault }));
      expect([response.status, await response.json()]).toEqual([
        200,
        { provider: "polygon", fault },
      ]);
    }
    expect((await answerOf("polygon")).status).toBe(200);
  });

  it.each([
    "{",
    "[]",
    '{"provider":"tiingo","fault":null}',
    '{"provider":"alpaca","fault":"down","endpoint":"trades"}',
    '{"provider":"alpaca","fault":"latency","delayMs":0}',
    '{"provider":"alpaca","fault":"tired"}',
    '{"provider":"alpaca"}',
  ])("refuses %s", async (body) => {
    expect((await post(body)).status).toBe(400);
  });

  it("refuses a body that is too long", async () => {
    expect((await post(" ".repeat(5_000))).status).toBe(413);
  });

  it("counts requests and answers by status, and not its own", async () => {
    await answerOf("alpaca");
    sandbox.setFault("alpaca", "down");
    await answerOf("alpaca");
    await sandbox.get(CALLS.polygon[0], {});
    const response = await sandbox.get("/__sandbox/stats", {});
    const none = { requests: 0, answers: {}, endpoints: {}, askedAfterSettle: 0 };
    expect(await response.json()).toEqual({
      alpaca: { ...none, requests: 2, answers: { "200": 1, "503": 1 }, endpoints: { bars_1m: 2 } },
      polygon: { ...none, requests: 1, answers: { "401": 1 }, endpoints: { bars_1m: 1 } },
      finnhub: none,
      iex: none,
    });
  });

  it("stops while a request hangs", async () => {
    const other = await startTestSandbox();
    other.setFault("alpaca", "hang");
    const call = other.get(...CALLS.alpaca).catch((error: unknown) => error);
    await expect.poll(() => other.stats().alpaca.requests).toBe(1);
    await other.stop();
    expect(await call).toBeInstanceOf(Error);
  });
});
