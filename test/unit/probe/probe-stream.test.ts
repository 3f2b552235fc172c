import { createServer, type Server } from "node:http";
import { once } from "node:events";
import { afterEach, describe, expect, it } from "vitest";
import { type WebSocket, WebSocketServer } from "ws";
import { parseProbeOptions } from "../../../dev/probe/options.ts";
import { probeStream } from "../../../dev/probe/probe-stream.ts";
import type { ServerFrame } from "../../../src/contracts/stream.ts";

const KEY = "a-key-that-must-not-be-shown";
const HELLO: ServerFrame = {
  op: "hello",
  v: 1,
  conn: "c",
  at: 1,
  limits: { symbols: 1, frame_bytes: 1 },
  hb: { send: "ping", expect: "pong", every_s: 25, dead_s: 60 },
  market: { state: "open", next_data_by: 1_790_087_465_000 },
};
const ack = (rejected: { symbol: string; code: number }[]): ServerFrame => ({
  op: "ack",
  id: 1,
  subs: {},
  rejected,
  token: "",
});

let server: Server | null = null;
const sockets: WebSocket[] = [];
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.terminate();
  server?.closeAllConnections();
  server?.close();
  server = null;
});

/** A service that greets, and answers a client's text as `reply` says; `refuse` answers every upgrade so. */
async function service(
  reply: (text: string) => readonly string[],
  { greets = true, refuse = null as number | null } = {},
): Promise<{ url: string; asked: { key: string | undefined; texts: string[] } }> {
  const asked: { key: string | undefined; texts: string[] } = { key: undefined, texts: [] };
  const http = createServer();
  server = http;
  const streams = new WebSocketServer({ noServer: true });
  http.on("upgrade", (request, socket, head) => {
    asked.key = request.headers.authorization;
    if (refuse !== null) {
      socket.end(`HTTP/1.1 ${refuse} Refused\r\nContent-Length: 12\r\n\r\nno such key!`);
      return;
    }
    streams.handleUpgrade(request, socket, head, (stream) => {
      sockets.push(stream);
      if (greets) stream.send(JSON.stringify(HELLO));
      stream.on("message", (data: Buffer) => {
        asked.texts.push(data.toString());
        for (const text of reply(data.toString())) stream.send(text);
      });
    });
  });
  http.listen(0, "127.0.0.1");
  await once(http, "listening");
  const address = http.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return { url: `http://127.0.0.1:${address.port}`, asked };
}

const probe = (url: string, timeoutMs = 5_000) =>
  probeStream({ url, key: KEY, symbol: "SPY", timeoutMs });
const healthy = (text: string) => (text === "ping" ? ["pong"] : [JSON.stringify(ack([]))]);

describe("a probe of the stream", () => {
  it("opens it, subscribes, sees a sign of life, and says how long each step took", async () => {
    const { url, asked } = await service(healthy);
    const result = await probe(url);
    expect(result).toMatchObject({ ok: true, failure: null, market: { state: "open" } });
    const { open = NaN, hello = NaN, subscribed = NaN, pong = NaN } = result.ms;
    expect(open).toBeLessThanOrEqual(hello);
    expect(hello).toBeLessThanOrEqual(subscribed);
    expect(pong).toBeGreaterThan(0);
    expect(asked.key).toBe(`Bearer ${KEY}`);
    expect(asked.texts).toEqual([
      JSON.stringify({ op: "sub", id: 1, ch: ["bars.1m"], symbols: ["SPY"] }),
      "ping",
    ]);
  });

  it("takes flushes that come in between as they are: no answer", async () => {
    const flush: ServerFrame = { op: "flush", g: "7b", e: "0mmyaj8k0u4s2ab", fs: 1, at: 1 };
    const { url } = await service((text) => [JSON.stringify(flush), ...healthy(text)]);
    expect((await probe(url)).ok).toBe(true);
  });

  it.each([
    ["hello", { greets: false }, healthy, /^hello did not come within 100 ms$/],
    ["the answer", {}, () => [], /^subscribed did not come within 100 ms$/],
    [
      "pong",
      {},
      (text: string) => (text === "ping" ? [] : healthy(text)),
      /^pong did not come within 100 ms$/,
    ],
  ] as const)("ends in time when %s never comes", async (_, options, reply, says) => {
    const { url } = await service(reply, options);
    const result = await probe(url, 100);
    expect(result.ok).toBe(false);
    expect(result.failure).toMatch(says);
  });

  it.each([
    [
      "a symbol that is not served",
      [ack([{ symbol: "SPY", code: 1404 }])],
      /^SPY was rejected with code 1404$/,
    ],
    [
      "an error",
      [{ op: "error", code: 1429, msg: "too fast", temporary: true } as const],
      /^error 1429: too fast$/,
    ],
    ["what is no frame", [{ op: "surprise" }], /^a frame is none of the protocol$/],
  ] as const)("says so of %s", async (_, frames, says) => {
    const { url } = await service(() => frames.map((frame) => JSON.stringify(frame)));
    expect((await probe(url)).failure).toMatch(says);
  });

  it("says why an upgrade was refused, and that nobody is there", async () => {
    const { url } = await service(healthy, { refuse: 401 });
    const refused = await probe(url);
    expect(refused.failure).toBe("the upgrade was answered with 401: no such key!");
    expect(JSON.stringify(refused)).not.toContain(KEY);
    expect((await probe("http://127.0.0.1:1")).failure).toMatch(/ECONNREFUSED/);
  });
});

describe("its command line", () => {
  const env = { MDS_KEY: KEY };
  it("names the variable of the key, never the key", () => {
    const options = parseProbeOptions(["--url", "https://mds.test/", "--key-env", "MDS_KEY"], env);
    expect(options).toEqual({
      url: "https://mds.test",
      key: KEY,
      symbol: "SPY",
      timeoutMs: 10_000,
      json: false,
    });
    for (const argv of [
      ["--url", "mds.test", "--key-env", "MDS_KEY"],
      ["--url", "https://mds.test"],
      ["--url", "https://mds.test", "--key-env", KEY],
      ["--url", "https://mds.test", "--key-env", "MDS_KEY", "--symbol", "spy"],
      ["--url", "https://mds.test", "--key-env", "MDS_KEY", "--timeout", "0"],
    ]) {
      let message = "";
      try {
        parseProbeOptions(argv, env);
      } catch (error) {
        message = String(error);
      }
      expect(message, argv.join(" ")).toMatch(/^Error: /);
      expect(message).not.toContain(KEY);
    }
  });
});
