import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import type { StreamClient } from "./support/stream-client.ts";
import { numbers } from "./support/stream-client.ts";
import {
  AAPL_GROUP,
  connectTo,
  group,
  ingestMinute,
  load,
  minute,
  MSFT_GROUP,
  useWorld,
} from "./support/world.ts";

const HOST = MSFT_GROUP;
const CH = ["bars.1m"];
const FUZZ_FRAMES = 300;
/** Below the number of requests that may wait, so that none is refused for its haste. */
const AT_ONCE = 20;
useWorld();

async function errorCodes(client: StreamClient): Promise<number[]> {
  await client.settled();
  return client.of("error").map((frame) => frame.code);
}

/** Every frame is answered with a syntax error, and socket, neighbour and object go on. */
async function isRefused(frames: readonly (string | ArrayBuffer)[]): Promise<void> {
  await load([AAPL_GROUP, HOST]);
  const [client, neighbour] = [await connectTo(HOST), await connectTo(HOST)];
  await neighbour.subscribe(["AAPL"]);
  for (const frame of frames) client.socket.send(frame);
  expect(await errorCodes(client)).toEqual(frames.map(() => 1400));
  expect(client.of("error").every((frame) => !frame.temporary && frame.msg.length <= 200)).toBe(
    true,
  );
  await client.subscribe(["AAPL"]);
  await ingestMinute(AAPL_GROUP, 0, { AAPL: 100, ORCL: 50 });
  await Promise.all([client.settled(), neighbour.settled()]);
  expect([numbers(client.flushes()), numbers(neighbour.flushes())]).toEqual([[1], [1]]);
}

describe("a frame that cannot be read is refused and harms nothing", () => {
  it("when it is not JSON, or binary", async () => {
    await isRefused(["", "{", "hello", "PING", new Uint8Array([1, 2, 3]).buffer]);
  });

  it("when it is larger than a frame may be", async () => {
    await isRefused([JSON.stringify({ op: "sub", ch: CH, symbols: ["A".repeat(262_200)] })]);
  });

  it("when its operation is unknown or its types are wrong", async () => {
    await isRefused(
      [
        null,
        1,
        [],
        {},
        { op: "nope" },
        { op: "sub" },
        { op: "sub", ch: [], symbols: ["AAPL"] },
        { op: "sub", ch: ["trades"], symbols: ["AAPL"] },
        { op: "sub", ch: CH, symbols: [] },
        { op: "sub", ch: CH, symbols: [1] },
        { op: "sub", ch: CH, symbols: "AAPL" },
        { op: "sub", ch: CH, symbols: ["X".repeat(17)] },
        { op: "sub", ch: CH, symbols: ["AAPL"], surprise: 1 },
        { op: "sub", ch: CH, symbols: ["AAPL"], from: "yesterday" },
        { op: "sub", ch: CH, symbols: ["AAPL"], from: -1 },
        { op: "sub", ch: CH, symbols: ["AAPL"], format: "csv" },
        { op: "unsub", symbols: ["AAPL"] },
      ].map((frame) => JSON.stringify(frame)),
    );
  });

  it("when its resume token is none", async () => {
    const tokens = [
      "x",
      "11b",
      "11b.zz.1.a",
      "11x.000000000000000.1.a",
      "11b.000000000000000.-1.a",
      "11b.000000000000000.1.a.b",
      "a,b",
      "9".repeat(9_000),
    ];
    await isRefused(
      tokens.map((resume) => JSON.stringify({ op: "sub", ch: CH, symbols: ["AAPL"], resume })),
    );
  });

  it("and its id is given back when it has one", async () => {
    await load([HOST]);
    const client = await connectTo(HOST);
    expect(await client.ask({ op: "nope" })).toMatchObject({ op: "error", code: 1400 });
  });

  it("and an id that the protocol does not know is not given back", async () => {
    await load([HOST]);
    const client = await connectTo(HOST);
    for (const id of [1.5, 1e300, "x".repeat(65), null, [1]]) client.send({ id, op: "nope" });
    await client.settled();
    expect(client.of("error").map((frame) => frame.id)).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
  });
});

describe("frames at random", () => {
  const symbols = fc.array(
    fc.constantFrom("AAPL", "ORCL", "MSFT", "*", "", "aapl", "NO.SUCH", "__proto__", "constructor"),
    { maxLength: 4 },
  );
  const value = fc.oneof(
    fc.jsonValue({ maxDepth: 2 }),
    symbols,
    fc.constant(CH),
    fc.constantFrom("sub", "unsub", "first", "all", "now"),
  );
  const shaped = fc.record(
    {
      op: fc.constantFrom("sub", "unsub", "ack", "hello"),
      id: fc.oneof(fc.integer({ max: 999_999 }), value),
      ch: fc.oneof(fc.constant(CH), value),
      symbols: fc.oneof(symbols, value),
      resume: fc.oneof(fc.constant("11b.000000000000000.1.a"), fc.string()),
      rev: value,
      from: value,
    },
    { requiredKeys: [] },
  );
  const frames = fc.oneof(
    { weight: 1, arbitrary: fc.string() },
    { weight: 1, arbitrary: fc.json() },
    { weight: 4, arbitrary: shaped.map((frame) => JSON.stringify(frame)) },
  );

  it("are answered with documented codes, and neither the object nor another connection minds", async () => {
    await load([AAPL_GROUP, HOST]);
    const complaints = vi.spyOn(console, "error");
    const [client, neighbour] = [await connectTo(HOST), await connectTo(HOST)];
    await neighbour.subscribe(["AAPL"]);
    const sent = fc
      .sample(frames, { numRuns: FUZZ_FRAMES, seed: 20_260_320 })
      .filter((text) => text !== "ping");
    for (let at = 0; at < sent.length; at += AT_ONCE) {
      for (const text of sent.slice(at, at + AT_ONCE)) client.send(text);
      await client.settled();
      if (at % 100 === 0) await ingestMinute(AAPL_GROUP, at / 100, { AAPL: 100, ORCL: 50 });
    }
    expect(new Set(await errorCodes(client))).toEqual(new Set([1400]));
    expect(client.closed).toBeNull();
    await neighbour.settled();
    expect(numbers(neighbour.flushes())).toEqual([1, 2, 3]);
    expect(complaints.mock.calls).toEqual([]);
    expect(await group(HOST).status()).toMatchObject({
      connections: 2,
      members: 1,
      watermarkMs: minute(0),
    });
  });

  it("that come all at once are answered one by one, in their order", async () => {
    await load([AAPL_GROUP, HOST]);
    const client = await connectTo(HOST);
    const ids = Array.from({ length: 100 }, (_, id) => id);
    for (const id of ids)
      client.send({ id, op: id % 2 === 0 ? "sub" : "unsub", ch: CH, symbols: ["AAPL"] });
    await client.until(() => client.of("ack").length + client.of("error").length === ids.length);
    expect(client.of("ack").map((ack) => [ack.id, ack.subs["bars.1m"]?.count])).toEqual(
      ids.map((id) => [id, 1 - (id % 2)]),
    );
  });
});
