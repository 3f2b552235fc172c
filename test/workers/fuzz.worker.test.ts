import fc from "fast-check";
import { describe, expect, inject, it, vi } from "vitest";
import { CLOSE_CODES, STREAM_CODES } from "../../src/contracts/stream.ts";
import { numbers, type StreamClient } from "./support/stream-client.ts";
import {
  AAPL_GROUP,
  connectTo,
  group,
  ingestMinute,
  load,
  MSFT_GROUP,
  useWorld,
} from "./support/world.ts";

declare module "vitest" {
  export interface ProvidedContext {
    /** How many frames: `FUZZ_FRAMES` says so. */
    fuzzFrames: number;
  }
}

const HOST = MSFT_GROUP;
const CH = ["bars.1m"];
/** Frames of one connection: as many requests as are served at once, so that none waits. */
const AT_ONCE = 10;
/** Connections between two flushes of the neighbour. */
const ROUND = 25;
const MAX_FUZZ_MS = 600_000;
const SEED = 20_260_320;
useWorld();

const symbols = fc.array(
  fc.constantFrom("AAPL", "ORCL", "MSFT", "", "aapl", "NO.SUCH", "__proto__", "constructor"),
  { maxLength: 4 },
);
const tokens = fc.oneof(
  fc.constantFrom("", "11b.000000000000000.1.a", "99q.zzzzzzzzzzzzzzz.999999999999999.zzzzzzzzzz"),
  fc.string(),
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
    resume: tokens,
    token: tokens,
    ack: fc.oneof(fc.boolean(), value),
    rev: value,
    from: value,
  },
  { requiredKeys: [] },
);
const valid = fc.oneof(
  fc.record({
    op: fc.constantFrom("sub", "unsub"),
    ch: fc.constant(CH),
    symbols: fc.constant(["AAPL"]),
  }),
  fc.record({
    op: fc.constant("sub"),
    ch: fc.constant(CH),
    symbols: fc.constant(["ORCL"]),
    ack: fc.boolean(),
  }),
  fc.record({ op: fc.constant("ack"), token: tokens }),
);
/** A frame of the protocol with a piece cut out and another put in. */
const mutated = fc
  .tuple(valid, fc.nat(200), fc.nat(6), fc.string({ maxLength: 4 }))
  .map(([frame, at, cut, put]) => {
    const text = JSON.stringify(frame);
    const from = at % text.length;
    return text.slice(0, from) + put + text.slice(from + cut);
  });
const frames = fc.oneof(
  { weight: 1, arbitrary: fc.string() },
  { weight: 1, arbitrary: fc.json() },
  { weight: 4, arbitrary: shaped.map((frame) => JSON.stringify(frame)) },
  { weight: 3, arbitrary: mutated },
  { weight: 1, arbitrary: valid.map((frame) => JSON.stringify(frame)) },
);

/** Resolves when a connection has answered all that it will: its last request, or by its close. */
async function answered(client: StreamClient): Promise<void> {
  await client.settled().catch(() => {});
  if (client.broken.length > 0) throw new Error(`not of the protocol: ${client.broken[0]}`);
}

describe("frames at random, whole and mutated", () => {
  it(
    "each get an error or a close of the table, and neither the object nor another connection minds",
    async () => {
      await load([AAPL_GROUP, HOST]);
      const complaints = vi.spyOn(console, "error");
      const neighbour = await connectTo(HOST);
      await neighbour.subscribe(["AAPL"]);
      const sent = fc
        .sample(frames, { numRuns: inject("fuzzFrames"), seed: SEED })
        .filter((text) => text !== "ping");
      const codes = new Set<number>();
      let minutes = 0;
      for (let from = 0; from < sent.length; from += AT_ONCE) {
        const client = await connectTo(HOST);
        const part = sent.slice(from, from + AT_ONCE);
        for (const text of part) client.send(text);
        await answered(client);
        for (const { code } of client.of("error")) codes.add(code);
        expect([null, CLOSE_CODES.rate]).toContain(client.closed?.code ?? null);
        const acks = part.filter(isAck).length;
        const answers = client.of("error").length + client.of("ack").length - 1;
        expect(answers).toBeGreaterThanOrEqual(part.length - acks);
        client.socket.close();
        if ((from / AT_ONCE) % ROUND !== 0) continue;
        await ingestMinute(AAPL_GROUP, minutes % 300, { AAPL: 100 + minutes, ORCL: 50 + minutes });
        minutes += 1;
      }
      await neighbour.settled();
      const { headFs } = await group(AAPL_GROUP).readLog("bars", 0, 1);
      expect(headFs).toBeGreaterThanOrEqual(Math.min(minutes, 300));
      expect(numbers(neighbour.flushes())).toEqual(Array.from({ length: headFs }, (_, i) => i + 1));
      expect([...codes].filter((code) => code !== STREAM_CODES.syntax)).toEqual([]);
      expect(complaints.mock.calls).toEqual([]);
      expect((await group(HOST).status()).connections).toBe(1);
    },
    MAX_FUZZ_MS,
  );
});

/** A well-formed ack is not answered when it is right. */
function isAck(text: string): boolean {
  return /"op": ?"ack"/.test(text);
}
