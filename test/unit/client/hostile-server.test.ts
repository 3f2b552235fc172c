import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type BarEvent, connect, type Feed, type FeedState } from "../../../src/client/index.ts";
import { ClientWorld, type FakeSocket } from "../../support/client-world.ts";
import { barRow, KeptStream } from "../../support/kept-stream.ts";

const START_MS = Date.UTC(2026, 8, 22, 14);
const SYMBOLS = ["AAPL", "ORCL", "MSFT", "SPY"];
let feeds: Feed[] = [];

beforeEach(() => {
  vi.useFakeTimers({ now: START_MS });
  feeds = [];
});
afterEach(() => {
  for (const feed of feeds) feed.close();
  vi.useRealTimers();
});

function newWorld(): ClientWorld {
  return new ClientWorld([
    new KeptStream("7b", ["AAPL", "ORCL"]),
    new KeptStream("12b", ["MSFT", "SPY"]),
  ]);
}

interface Client {
  readonly feed: Feed;
  readonly bars: BarEvent[];
  readonly states: FeedState[];
}

function follow(world: ClientWorld, more: Partial<Parameters<typeof connect>[0]> = {}): Client {
  const bars: BarEvent[] = [];
  const states: FeedState[] = [];
  const feed = connect({
    url: "https://mds.test",
    key: "secret",
    symbols: SYMBOLS,
    resume: world.token(),
    onBar: (bar) => void bars.push(bar),
    onState: (state) => void states.push(state),
    deps: world.deps,
    ...more,
  });
  feeds.push(feed);
  return { feed, bars, states };
}

const pass = (ms = 2_000) => vi.advanceTimersByTimeAsync(ms);

let clock = 0;
/** Publishes a flush of one bar for each symbol of a stream; the same minute again is a revision. */
function publish(world: ClientWorld, index = 0, minute = clock, revision = 0): void {
  const stream = world.streams[index];
  if (stream === undefined) throw new Error("no such stream");
  clock += 1;
  const rows = stream.symbols.map((symbol) =>
    barRow(symbol, START_MS + minute * 60_000, clock, revision),
  );
  world.publish(stream, START_MS + clock, rows);
}

const seen = (bars: readonly BarEvent[]) =>
  bySymbol(
    bars.map(({ symbol, ts, revision, close, feed }) => [
      symbol,
      `${ts} ${revision} ${close} ${feed}`,
    ]),
  );

function truth(world: ClientWorld) {
  const rows = world.streams.flatMap((stream) => stream.all.flatMap((flush) => flush.rows));
  return bySymbol(
    rows.map(([symbol, ts, ...row]) => [
      symbol,
      [ts, row[7], row[3], row[9]].map(String).join(" "),
    ]),
  );
}

function bySymbol(pairs: readonly (readonly [string, string])[]): Record<string, string[]> {
  const bySymbols: Record<string, string[]> = {};
  for (const [symbol, text] of pairs) (bySymbols[symbol] ??= []).push(text);
  return bySymbols;
}

describe("a client of an honest service", () => {
  it("gets every bar once, in order, and says how its connection stands", async () => {
    const world = newWorld();
    const client = follow(world);
    await pass();
    publish(world, 0);
    publish(world, 1);
    publish(world, 0, clock, 1);
    expect(seen(client.bars)).toEqual(truth(world));
    expect(client.states.map(({ state }) => state)).toEqual(["connecting", "open", "live"]);
    expect(world.socket.protocols).toEqual(["mds.v1", "key.secret"]);
    expect(world.asked[0]).toMatchObject({ op: "sub", ack: true, format: "columns" });
  });

  it("resumes what came while it was away, proved by count and checksum", async () => {
    const world = newWorld();
    const client = follow(world);
    await pass();
    publish(world);
    world.socket.end(4001, "restart");
    for (let count = 0; count < 5; count += 1) publish(world);
    await pass();
    publish(world);
    expect(seen(client.bars)).toEqual(truth(world));
    expect(client.bars.map(({ via }) => via)).toContain("replay");
    expect(client.states.filter(({ state }) => state === "resuming")).toEqual([
      { state: "resuming", reason: "restart", code: 4001 },
    ]);
  });

  it("follows a hand-off to a diff, page by page, and joins the replay behind it", async () => {
    const world = newWorld();
    const [stream] = world.streams;
    if (stream === undefined) throw new Error("no stream");
    const client = follow(world, { channels: ["bars.1m", "bars.1d"] });
    await pass();
    publish(world);
    world.socket.end(4008, "slow");
    for (let count = 0; count < 9; count += 1) publish(world);
    stream.aged = 6;
    stream.drained = 7;
    await pass();
    publish(world);
    expect(seen(client.bars)).toEqual(truth(world));
    expect(new Set(client.bars.map(({ via }) => via))).toEqual(
      new Set(["live", "replay", "handoff"]),
    );
    expect(world.fetched.length).toBeGreaterThan(3);
    expect(world.fetched.some((url) => url.includes("interval=1d"))).toBe(true);
    expect(client.states).toContainEqual(
      expect.objectContaining({ state: "handed_off", stream: "7b" }),
    );
  });

  it("follows a hand-off to the replay over HTTP", async () => {
    const world = newWorld();
    const client = follow(world);
    await pass();
    publish(world);
    world.maxReplay = 3;
    world.socket.end(1006);
    for (let count = 0; count < 8; count += 1) publish(world);
    await pass();
    publish(world);
    expect(seen(client.bars)).toEqual(truth(world));
    expect(world.fetched[0]).toContain("symbols=AAPL%2CORCL%2CMSFT%2CSPY");
  });

  it("trusts a replay that comes in a batch by the text of each flush", async () => {
    const world = newWorld();
    let held: string[] = [];
    world.mangle = (socket, text) => {
      if (text.includes('"rp":1')) held.push(text);
      else {
        if (held.length > 0) socket.push(`{"op":"batch","flushes":[${held.join(",")}]}`);
        held = [];
        socket.push(text);
      }
    };
    const client = follow(world);
    publish(world);
    publish(world);
    await pass();
    expect(seen(client.bars)).toEqual(truth(world));
    expect(world.sockets).toHaveLength(1);
  });
});

describe("a client of a hostile service", () => {
  /** The next text that `isIt` fits is answered by `act` instead of being sent. */
  function once(
    world: ClientWorld,
    isIt: (text: string) => boolean,
    act: (socket: FakeSocket, text: string) => void,
  ): void {
    let isDone = false;
    world.mangle = (socket, text) => {
      if (isDone || !isIt(text)) return socket.push(text);
      isDone = true;
      act(socket, text);
    };
  }
  const isFlush = (text: string) => text.startsWith('{"op":"flush"');

  it.each<[string, (socket: FakeSocket, text: string) => void, string]>([
    ["a flush that never comes", () => {}, "a flush is missing"],
    ["half a flush", (socket, text) => socket.push(text.slice(0, 40)), "not JSON"],
    ["no frame", (socket) => socket.push("[1]"), "not a frame"],
    [
      "a flush of another form",
      (socket, text) => socket.push(text.replace('"fs":', '"fs":-')),
      "not a frame of the kind flush",
    ],
    [
      "a stream that nobody asked for",
      (socket, text) => socket.push(text.replace('"7b"', '"8b"')),
      "a frame of a stream that was not subscribed",
    ],
    [
      "another epoch",
      (socket, text) => socket.push(text.replace("aaaaaaaaaaaaaaa", "ccccccccccccccc")),
      "a flush of another epoch",
    ],
  ])("resumes after %s", async (_, act, reason) => {
    const world = newWorld();
    const client = follow(world);
    await pass();
    once(world, isFlush, act);
    publish(world);
    publish(world);
    await pass();
    publish(world);
    expect(seen(client.bars)).toEqual(truth(world));
    expect(client.states).toContainEqual({ state: "resuming", reason, code: null });
  });

  it("drops what comes twice and ignores what it does not know", async () => {
    const world = newWorld();
    const client = follow(world);
    await pass();
    world.mangle = (socket, text) => {
      for (const each of [text, text, '{"op":"later","chars":1}']) socket.push(each);
    };
    publish(world);
    publish(world);
    expect(seen(client.bars)).toEqual(truth(world));
    expect(world.sockets).toHaveLength(1);
  });

  it.each<[string, (text: string) => string | null]>([
    ["a value that was changed", (text) => text.replace('"c","v"', '"c","V"')],
    ["a flush left out", () => null],
  ])("discards a replay with %s and resumes from the last trusted position", async (_, change) => {
    const world = newWorld();
    const client = follow(world);
    await pass();
    publish(world);
    world.socket.end(4001);
    publish(world);
    publish(world);
    once(world, isFlush, (socket, text) => {
      const changed = change(text);
      if (changed !== null) socket.push(changed);
    });
    await pass(10_000);
    expect(world.sockets).toHaveLength(3);
    expect(world.asked[2]?.resume).toBe(world.asked[1]?.resume);
    expect(seen(client.bars)).toEqual(truth(world));
  });

  it("does not deliver a replay before its trailer proves it", async () => {
    const world = newWorld();
    publish(world);
    const client = follow(world, { resume: "7b.aaaaaaaaaaaaaaa.0.0,12b.aaaaaaaaaaaaaaa.0.0" });
    world.mangle = (socket, text) => {
      if (!text.includes("caught_up")) socket.push(text);
    };
    await pass();
    expect(client.bars).toEqual([]);
    world.mangle = (socket, text) => socket.push(text);
    await pass(60_000);
    expect(seen(client.bars)).toEqual(truth(world));
  });

  it("finds a silent service by its missing pong, and an unanswered subscription by time", async () => {
    const world = newWorld();
    const client = follow(world);
    await pass();
    world.mangle = () => {};
    publish(world);
    await pass(90_000);
    expect(client.states).toContainEqual({
      state: "resuming",
      reason: "no pong came",
      code: null,
    });
    await pass(40_000);
    expect(client.states).toContainEqual({
      state: "resuming",
      reason: "the subscription was not answered",
      code: null,
    });
    world.mangle = (socket, text) => socket.push(text);
    await pass(90_000);
    expect(seen(client.bars)).toEqual(truth(world));
  });

  it.each([true, false])(
    "loses nothing by a new epoch, with a hand-off: %s",
    async (withHandoff) => {
      const world = newWorld();
      const [stream] = world.streams;
      if (stream === undefined) throw new Error("no stream");
      const client = follow(world);
      await pass();
      publish(world);
      world.mangle = () => {};
      publish(world);
      world.mangle = (socket, text) => socket.push(text);
      world.beginEpoch(stream, withHandoff);
      publish(world);
      await pass(10_000);
      publish(world);
      await pass(10_000);
      expect(seen(client.bars)).toEqual(truth(world));
    },
  );

  it("sends its key nowhere else and does not follow a diff that begins too late", async () => {
    const world = newWorld();
    const [stream] = world.streams;
    if (stream === undefined) throw new Error("no stream");
    const client = follow(world);
    await pass();
    const [socket] = world.sockets;
    const frame = { op: "epoch", g: "7b", e: "bbbbbbbbbbbbbbb", fs: 0 };
    for (const url of [
      "https://elsewhere.test/v1/bars/diff?as_of_a=0&as_of_b=1",
      `/v1/bars/diff?as_of_a=${START_MS * 2}&as_of_b=${START_MS * 2 + 1}`,
    ]) {
      world.socket.push(JSON.stringify({ ...frame, handoff: { url, join_fs: 1 } }));
      await pass(10_000);
    }
    expect(socket).not.toBe(world.socket);
    expect(world.fetched).toEqual([]);
    const reasons = client.states.flatMap((state) =>
      state.state === "resuming" ? [state.reason] : [],
    );
    expect(reasons).toEqual(["a hand-off leads elsewhere", "a hand-off begins after the position"]);
  });

  it("comes back after every code but those that forbid it", async () => {
    const world = newWorld();
    const client = follow(world);
    await pass();
    for (const code of [1000, 1006, 1011, 4001, 4008, 4010, 4012, 4029, 4499]) {
      world.socket.end(code);
      publish(world);
      await pass(60_000);
    }
    expect(seen(client.bars)).toEqual(truth(world));
    expect(world.sockets).toHaveLength(10);
    world.socket.end(4503, "by an operator");
    await pass(600_000);
    expect(world.sockets).toHaveLength(10);
    expect(client.states.at(-1)).toEqual({
      state: "closed",
      reason: "by an operator",
      code: 4503,
    });
  });

  it("holds a bounded part of what comes during a hand-off, and resumes for the rest", async () => {
    const world = newWorld();
    const [stream] = world.streams;
    if (stream === undefined) throw new Error("no stream");
    const client = follow(world);
    await pass();
    publish(world);
    world.socket.end(4008);
    publish(world);
    publish(world);
    stream.aged = 3;
    stream.drained = 3;
    world.maxReplay = 5_000;
    world.pageRows = 1_000;
    const { promise, resolve } = Promise.withResolvers<void>();
    world.failFetch = () => ({
      ok: true,
      status: 200,
      json: async () => {
        await promise;
        world.failFetch = () => null;
        throw new Error("too late");
      },
    });
    await pass();
    for (let count = 0; count < 10_001; count += 1)
      world.publish(stream, START_MS + (clock += 1), []);
    publish(world);
    resolve();
    await pass(20_000);
    publish(world);
    expect(seen(client.bars)).toEqual(truth(world));
    expect(client.states).toContainEqual(
      expect.objectContaining({ reason: "more came while a stream was handed off than is held" }),
    );
  });
});

/** What a hostile service does with one text of its own. */
const hostility = fc.constantFrom(
  "send",
  "send",
  "send",
  "drop",
  "twice",
  "swap",
  "halve",
  "corrupt",
  "close",
  "mute",
  "batch",
);
const deed = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant("publish"), stream: fc.nat(1) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("revise"), stream: fc.nat(1) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("pass"), stream: fc.nat(1) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("drain"), stream: fc.nat(1) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("age"), stream: fc.nat(1) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("epoch"), stream: fc.nat(1) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("bare epoch"), stream: fc.nat(1) }) },
);

/** Makes a world send by a script; after its end it is honest. */
function beHostile(world: ClientWorld, script: readonly string[]): void {
  let at = 0;
  const muted = new WeakSet<FakeSocket>();
  const held = new WeakMap<FakeSocket, string>();
  world.mangle = (socket, text) => {
    if (muted.has(socket)) return;
    const act = script[at] ?? "send";
    at += 1;
    const isReplayed = text.includes('"rp":1');
    const earlier = held.get(socket);
    held.delete(socket);
    if (act === "swap" && earlier === undefined) held.set(socket, text);
    else if (act === "halve") socket.push(text.slice(0, text.length / 2));
    // Only what is replayed carries a checksum.
    else if (act === "corrupt" && isReplayed) socket.push(text.replace('"sip"', '"iex"'));
    else if (act === "close") socket.end(4001);
    else if (act === "mute") muted.add(socket);
    else if (act === "batch" && text.startsWith('{"op":"flush"'))
      socket.push(`{"op":"batch","flushes":[${text}]}`);
    else if (act !== "drop") socket.push(text);
    if (act === "twice") socket.push(text);
    if (earlier !== undefined) socket.push(earlier);
  };
}

describe("whatever a hostile service does", () => {
  it("the rows that are delivered are the truth: all of them, once, in order", async () => {
    let resumed = 0;
    let handed = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(hostility, { maxLength: 40 }),
        fc.array(deed, { minLength: 1, maxLength: 30 }),
        fc.array(fc.constantFrom(0, 0, 0, 200, 404, 503), { maxLength: 25 }),
        fc.record({ maxReplay: fc.constantFrom(1, 3, Infinity), diffsOverlap: fc.boolean() }),
        async (script, deeds, fetches, how) => {
          vi.setSystemTime(START_MS);
          const world = newWorld();
          Object.assign(world, how);
          const failures = [...fetches];
          world.failFetch = () => {
            const status = failures.shift() ?? 0;
            const ok = status === 200;
            return status === 0 ? null : { ok, status, json: () => Promise.resolve({}) };
          };
          beHostile(world, script);
          const client = follow(world);
          for (const { do: what, stream: index } of deeds) {
            const stream = world.streams[index];
            if (stream === undefined) continue;
            if (what === "publish") publish(world, index);
            else if (what === "revise") publish(world, index, 0, clock);
            else if (what === "pass") await pass(45_000);
            else if (what === "drain") stream.drained = Math.max(stream.drained, stream.head - 1);
            else if (what === "age") stream.aged = stream.drained;
            else world.beginEpoch(stream, what === "epoch");
          }
          // A last flush shows what is missing before it.
          await pass(300_000);
          for (const index of [0, 1]) publish(world, index);
          await pass(300_000);
          resumed += world.sockets.length - 1;
          handed += world.fetched.length;
          client.feed.close();
          expect(seen(client.bars)).toEqual(truth(world));
        },
      ),
      { numRuns: 200 },
    );
    expect(resumed).toBeGreaterThan(100);
    expect(handed).toBeGreaterThan(50);
  });
});
