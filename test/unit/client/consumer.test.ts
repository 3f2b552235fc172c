import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { connect, type Feed, type FeedEvent, type FeedState } from "../../../src/client/index.ts";
import { parseToken } from "../../../src/stream/token.ts";
import { ClientWorld, readRequest } from "../../support/client-world.ts";
import { barRow, KeptStream, viewOf } from "../../support/kept-stream.ts";

const START_MS = Date.UTC(2026, 8, 22, 14);
const MINUTE_MS = 60_000;
let world: ClientWorld;
let stream: KeptStream;
let states: FeedState[];
let feeds: Feed[];

beforeEach(() => {
  vi.useFakeTimers({ now: START_MS });
  stream = new KeptStream("7b", ["AAPL"]);
  world = new ClientWorld([stream]);
  states = [];
  feeds = [];
});
afterEach(() => {
  for (const feed of feeds) feed.close();
  vi.useRealTimers();
});

function open(more: Partial<Parameters<typeof connect>[0]> = {}): Feed {
  const feed = connect({
    url: "wss://mds.test",
    key: "secret",
    symbols: ["AAPL"],
    onState: (state) => void states.push(state),
    deps: world.deps,
    ...more,
  });
  feeds.push(feed);
  return feed;
}

const pass = (ms = 2_000) => vi.advanceTimersByTimeAsync(ms);

function publish(count = 1, gaps?: readonly unknown[]): void {
  for (let index = 0; index < count; index += 1) {
    const fs = stream.head + 1;
    const row = barRow("AAPL", START_MS + fs * MINUTE_MS, fs);
    world.publish(stream, START_MS + fs, [row], gaps);
  }
}

const fsOf = (feed: Feed) => parseToken(feed.token)?.get("7b")?.fs;
const acks = () =>
  world.sockets
    .flatMap(({ received }) => received)
    .filter((text) => text.startsWith('{"op":"ack"'));

async function take(
  events: AsyncIterator<FeedEvent, undefined>,
  count: number,
): Promise<FeedEvent[]> {
  const taken: FeedEvent[] = [];
  while (taken.length < count) {
    const { value, done } = await events.next();
    if (done === true) break;
    taken.push(value);
  }
  return taken;
}

describe("the iterator", () => {
  it("gives what came in order, also what came before anybody asked", async () => {
    const feed = open();
    await pass();
    publish(2);
    const events = feed[Symbol.asyncIterator]();
    const first = await take(events, 2);
    const third = events.next();
    publish();
    expect([...first, (await third).value].map((event) => event?.type)).toEqual(
      Array.from({ length: 3 }, () => "bar"),
    );
  });

  it("counts an event as taken when the next one is asked for: the token can be kept", async () => {
    const feed = open();
    await pass();
    publish(3);
    const events = feed[Symbol.asyncIterator]();
    expect(fsOf(feed)).toBe(0);
    await take(events, 2);
    expect(fsOf(feed)).toBe(1);
    publish();
    expect(fsOf(feed)).toBe(1);
    const { token } = feed;
    feed.close();
    expect(await events.next()).toEqual({ done: true, value: undefined });
    const again = open({ resume: token });
    await pass();
    const rest = await take(again[Symbol.asyncIterator](), 3);
    expect(rest.map((event) => (event.type === "bar" ? event.close : null))).toEqual([2, 3, 4]);
  });

  it("closes the client when the loop is left", async () => {
    const feed = open();
    await pass();
    publish(2);
    for await (const event of feed) {
      expect(event.type).toBe("bar");
      break;
    }
    expect(states.at(-1)?.state).toBe("closed");
    expect(world.socket.readyState).toBe(3);
  });

  it("drops the socket when the consumer lags, and loses nothing by it", async () => {
    const feed = open({ maxQueued: 10 });
    await pass();
    publish(11);
    expect(states).toContainEqual({ state: "resuming", reason: "the consumer lags", code: null });
    publish(20);
    await pass(60_000);
    expect(world.sockets).toHaveLength(1);
    const events = feed[Symbol.asyncIterator]();
    const first = await take(events, 8);
    await pass(5_000);
    expect(world.sockets).toHaveLength(2);
    const rest: FeedEvent[] = [];
    while (rest.length < 23) {
      rest.push(...(await take(events, 1)));
      await pass(5_000);
    }
    expect([...first, ...rest].map((event) => (event.type === "bar" ? event.close : 0))).toEqual(
      Array.from({ length: 31 }, (_, index) => index + 1),
    );
  });

  it("gives what is left when the service forbids to come back, and then ends", async () => {
    const feed = open();
    await pass();
    publish(2);
    world.socket.end(4504, "too many connections");
    expect(await take(feed[Symbol.asyncIterator](), 5)).toHaveLength(2);
  });
});

describe("acknowledging", () => {
  it("says every 5 s what the consumer has taken, and sooner what is much", async () => {
    open({ onBar: () => {} });
    await pass();
    publish(3);
    await pass(4_900);
    expect(acks()).toEqual([]);
    await pass(200);
    expect(acks()).toEqual([`{"op":"ack","token":"${world.token()}"}`]);
    await pass(60_000);
    expect(acks()).toHaveLength(1);
    const rows = Array.from({ length: 1_500 }, (_, index) => barRow("AAPL", index, 1));
    world.publish(stream, START_MS + 50, rows);
    await pass(300);
    expect(acks()).toHaveLength(2);
  });

  it("stops when the consumer does, so that the service sees it", async () => {
    const feed = open();
    await pass();
    publish(3);
    await pass(20_000);
    expect(acks().filter((text) => !text.includes(".0."))).toEqual([]);
    await take(feed[Symbol.asyncIterator](), 3);
    await pass(5_100);
    expect(acks().at(-1)).toBe(`{"op":"ack","token":"${feed.token}"}`);
    expect(fsOf(feed)).toBe(2);
  });

  it("says nothing of a stream of the resume that it does not follow, and keeps it for later", async () => {
    const left = `12b.${stream.epoch}.4.0`;
    const feed = open({ resume: `${world.token()},${left}`, onBar: () => {} });
    await pass();
    publish(3);
    await pass(5_100);
    expect(acks()).toEqual([`{"op":"ack","token":"${world.token()}"}`]);
    expect(world.refused).toEqual([]);
    expect(world.socket.acks.unacked().bytes).toBe(0);
    expect(feed.token).toContain(left);
    world.socket.end(1006);
    await pass(5_000);
    expect(world.asked[1]?.resume).toContain(left);
  });

  describe("of a stream that is handed off waits for its end, and the others' does not", () => {
    /** By default the first page comes; what is held does not come until it is let go. */
    const begin = async (
      more: Partial<Parameters<typeof connect>[0]> = {},
      held = /group=7&.*page_token/,
    ) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      const other = new KeptStream("12b", ["MSFT"]);
      world.streams.push(other);
      world.failFetch = () => {
        if (!held.test(world.fetched.at(-1) ?? "")) return null;
        const json = () => promise.then(() => Promise.reject(new Error("too late")));
        return { ok: true, status: 200, json };
      };
      const feed = open({ symbols: ["AAPL", "MSFT"], onBar: () => {}, ...more });
      await pass();
      const publishOther = () => {
        const fs = other.head + 1;
        world.publish(other, START_MS + 100 + fs, [barRow("MSFT", START_MS + fs * MINUTE_MS, fs)]);
      };
      const endHandoff = async () => {
        world.failFetch = () => null;
        resolve();
        await pass(5_000);
      };
      return { feed, publishOther, endHandoff };
    };
    const ackOf = (name: string) => parseToken(world.token())?.get(name);
    const taken = () => new Map(world.socket.acks.acked());

    it("across epochs, of a connection and of the next one", async () => {
      const { publishOther, endHandoff } = await begin();
      publish();
      for (let fs = 2; fs <= 8; fs += 1)
        stream.append(START_MS + fs, [barRow("AAPL", START_MS + fs * MINUTE_MS, fs)]);
      world.beginEpoch(stream, true);
      await pass();
      expect(world.fetched).toHaveLength(2);
      publishOther();
      await pass(15_000);
      expect(taken().get("12b")).toEqual(ackOf("12b"));
      await endHandoff();
      await pass(6_000);
      expect(taken().get("7b")).toEqual(ackOf("7b"));
      world.socket.end(1006);
      stream.beginEpoch();
      publish();
      await pass(5_000);
      publishOther();
      await pass(15_000);
      expect(taken().get("12b")).toEqual(ackOf("12b"));
      expect(world.refused).toEqual([]);
    });

    it("also when it brings nothing", async () => {
      const { publishOther, endHandoff } = await begin({}, /group=7&/);
      publish();
      world.beginEpoch(stream, true);
      publishOther();
      await pass(15_000);
      expect(world.socket.acks.unacked().oldestSentMs).not.toBeNull();
      await endHandoff();
      await pass(6_000);
      expect(world.socket.acks.unacked().oldestSentMs).toBeNull();
    });

    it("from a knowledge time on", async () => {
      publish(8);
      stream.drained = 8;
      const { feed, publishOther, endHandoff } = await begin({ from: START_MS });
      expect(feed.token).toContain("7b.000000000000000.0.");
      publishOther();
      await pass(15_000);
      expect(taken().get("12b")).toEqual(ackOf("12b"));
      expect(world.refused).toEqual([]);
      await endHandoff();
      publish();
      await pass(6_000);
      expect(taken().get("7b")).toEqual(ackOf("7b"));
      expect(world.refused).toEqual([]);
    });
  });

  it("is left out when it is not wanted", async () => {
    open({ ack: false, onBar: () => {} });
    await pass();
    publish(3);
    await pass(20_000);
    expect(acks()).toEqual([]);
    expect(world.asked[0]).not.toHaveProperty("ack");
  });
});

describe("a connection", () => {
  it("gets a fresh ticket for each attempt, and waits when there is none", async () => {
    const answers = ["first", "", "third"];
    const getTicket = () => {
      const ticket = answers.shift() ?? "";
      return ticket === "" ? Promise.reject(new Error("offline")) : Promise.resolve(ticket);
    };
    const feed = connect({
      url: "https://mds.test",
      getTicket,
      symbols: ["AAPL"],
      onState: (state) => void states.push(state),
      deps: world.deps,
    });
    feeds.push(feed);
    await pass();
    world.socket.end(1006);
    await pass(5_000);
    expect(world.sockets.map(({ url }) => url)).toEqual([
      "wss://mds.test/v1/stream?ticket=first",
      "wss://mds.test/v1/stream?ticket=third",
    ]);
    expect(world.socket.protocols).toEqual(["mds.v1"]);
    expect(states).toContainEqual({ state: "resuming", reason: "no ticket: offline", code: null });
  });

  it("tries again more and more seldom, at most every 30 s, by chance within", async () => {
    const times: number[] = [];
    const chances: number[] = [];
    world.mangle = (socket) => socket.end(1011);
    open({
      deps: {
        ...world.deps,
        random: () => {
          chances.push(1);
          return 1;
        },
      },
      onState: ({ state }) => {
        if (state === "connecting") times.push(Date.now());
      },
    });
    await pass(200_000);
    const waits = times
      .slice(1)
      .map((time, index) => Math.round((time - (times[index] ?? 0)) / 1_000));
    expect(waits.slice(0, 8)).toEqual([1, 2, 4, 8, 16, 30, 30, 30]);
    expect(chances.length).toBeGreaterThanOrEqual(8);
  });

  it("is given up for good by a subscription that is refused, and retried by a temporary error", async () => {
    const refuse = (fields: object) => {
      world.receive = (socket, text) => {
        const { id } = readRequest(text);
        world.send(socket, JSON.stringify({ op: "error", id, msg: "no", ...fields }));
      };
    };
    refuse({ code: 1429, temporary: true, retry_after_ms: 20_000 });
    open();
    await pass(15_000);
    expect(world.sockets).toHaveLength(1);
    refuse({ code: 1403, temporary: false });
    await pass(15_000);
    expect(world.sockets).toHaveLength(2);
    await pass(600_000);
    expect(states.at(-1)).toEqual({ state: "closed", reason: "1403 no", code: 1403 });
    expect(world.sockets).toHaveLength(2);
  });

  it("tells once that a stream is late by the service's clock, and again after it came", async () => {
    open();
    await pass();
    const text = (fs: number, next: number) =>
      `{"op":"flush","g":"7b","e":"${stream.epoch}","fs":${fs},"at":${fs},"next":${next}}`;
    world.socket.push(text(1, START_MS + 60_000));
    await pass(57_000);
    const late = () => states.filter(({ state }) => state === "late");
    expect(late()).toEqual([]);
    await pass(60_000);
    expect(late()).toEqual([{ state: "late", streams: ["7b"], dueMs: START_MS + 60_000 }]);
    world.socket.push(text(2, START_MS + 180_000));
    await pass(120_000);
    expect(late()).toHaveLength(2);
  });

  it("tells that nothing came after it was made, and again after it was made anew", async () => {
    world.nextDataBy = START_MS + 60_000;
    open();
    await pass(59_000);
    const late = () => states.flatMap((state) => (state.state === "late" ? [state.dueMs] : []));
    expect(late()).toEqual([]);
    await pass(2_000);
    expect(late()).toEqual([START_MS + 60_000]);
    world.nextDataBy = START_MS + 120_000;
    world.socket.end(1006);
    await pass(60_000);
    expect(late()).toEqual([START_MS + 60_000, START_MS + 120_000]);
  });

  it.each<[string, number, number[]]>([
    ["does not call late what a replay says in passing", START_MS + 900_000, []],
    ["calls late what the end of a replay says", START_MS + 100_000, [START_MS + 100_000]],
  ])("%s", async (_, lastDueMs, expected) => {
    const late: number[] = [];
    let sent = 0;
    // Each in a turn of its own.
    world.mangle = (socket, text) => void setTimeout(() => socket.push(text), 50 * (sent += 1));
    await pass(300_000);
    open({
      resume: `7b.${stream.epoch}.0.0`,
      onState: (state) => {
        if (state.state === "late") late.push(state.dueMs);
      },
    });
    for (const dueMs of [START_MS + 1, START_MS + 60_000, lastDueMs])
      stream.append(START_MS + stream.head + 1, [], undefined, dueMs);
    await pass(20_000);
    expect(late).toEqual(expected);
    expect(world.sockets).toHaveLength(1);
  });

  it("takes the last quotes for whatever it missed of them", async () => {
    const quotes: unknown[] = [];
    const cols = ["s"];
    const row = [
      "AAPL",
      1,
      0,
      10,
      11,
      1,
      1,
      "shares",
      10.5,
      1,
      "alpaca",
      "sip",
      null,
      true,
      "first",
    ];
    world.streams[0] = new KeptStream("7q", ["AAPL"]);
    open({ channels: ["quotes"], onQuote: (quote) => void quotes.push(quote.bid) });
    await pass();
    const frame = { op: "snapshot", g: "7q", e: stream.epoch, fs: 40, at: 9 };
    world.socket.push(JSON.stringify({ ...frame, quotes: { ch: "quotes", cols, rows: [row] } }));
    const next = { op: "flush", g: "7q", e: stream.epoch, fs: 41, at: 10 };
    world.socket.push(JSON.stringify({ ...next, quotes: { ch: "quotes", cols, rows: [row] } }));
    expect(quotes).toEqual([10, 10]);
    expect(world.sockets).toHaveLength(1);
  });
});

describe("a history load", () => {
  const gapOf = (href: string) => [["AAPL", 0, MINUTE_MS, "filled", "polygon", href]];
  const href = "/v1/bars?symbols=AAPL&interval=1m&start=0&end=60000";
  const withHistory = (rows: readonly ReturnType<typeof viewOf>[]) => {
    world.failFetch = () => {
      const body = { bars: rows, next_page_token: null };
      return { ok: true, status: 200, json: () => Promise.resolve(body) };
    };
  };

  it("is fetched when it is wanted, each revision once", async () => {
    const bars: string[] = [];
    withHistory([viewOf(barRow("AAPL", 0, 5), 1), viewOf(barRow("FOREIGN", 0, 5), 1)]);
    open({ history: true, onBar: ({ via, ts }) => void bars.push(`${via} ${ts}`) });
    await pass();
    publish(1, gapOf(href));
    publish(1, gapOf(href));
    await pass();
    expect(bars.filter((text) => text.startsWith("history"))).toEqual(["history 0"]);
    expect(world.fetched).toHaveLength(2);
  });

  it("is only told of when it is not", async () => {
    const gaps: (string | null)[] = [];
    open({ onGap: (gap) => void gaps.push(gap.href) });
    await pass();
    publish(1, gapOf(href));
    await pass();
    expect(gaps).toEqual([href]);
    expect(world.fetched).toEqual([]);
  });

  it("is reported when it can't be had, or leads elsewhere", async () => {
    world.failFetch = () => ({ ok: false, status: 404, json: () => Promise.resolve({}) });
    open({ history: true });
    await pass();
    publish(1, gapOf(href));
    publish(1, gapOf("https://elsewhere.test/v1/bars?symbols=AAPL"));
    await pass();
    expect(states.filter(({ state }) => state === "history_failed")).toEqual([
      { state: "history_failed", href, reason: "/v1/bars: answered 404" },
      {
        state: "history_failed",
        href: "https://elsewhere.test/v1/bars?symbols=AAPL",
        reason: "leads elsewhere",
      },
    ]);
    expect(world.fetched).toHaveLength(1);
  });
});

describe("options", () => {
  it("that make no sense are refused", () => {
    const good = { url: "https://mds.test", key: "secret", symbols: ["AAPL"], deps: world.deps };
    const { key: _, ...keyless } = good;
    for (const bad of [
      keyless,
      { ...good, getTicket: () => Promise.resolve("t") },
      { ...good, symbols: [] },
      { ...good, channels: [] },
      { ...good, resume: "no token" },
      { ...good, key: "not a, subprotocol" },
      { ...good, symbols: Array.from({ length: 60_000 }, (_, index) => `S${index}`) },
    ]) {
      expect(() => connect(bad)).toThrow(TypeError);
    }
  });
});
