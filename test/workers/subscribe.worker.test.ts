import { describe, expect, it } from "vitest";
import { runInDurableObject } from "cloudflare:test";
import { FLUSH_COLUMNS } from "../../src/contracts/flush.ts";
import { numbers } from "./support/stream-client.ts";
import {
  AAPL_GROUP,
  afterAnswering,
  connect,
  connectTo,
  group,
  ingestMinute,
  load,
  minute,
  MSFT_GROUP,
  SPY_GROUP,
  useWorld,
} from "./support/world.ts";

const GROUPS = [AAPL_GROUP, MSFT_GROUP, SPY_GROUP];
const STREAM = `${AAPL_GROUP}b`;
const CLOSE = FLUSH_COLUMNS.indexOf("c");
useWorld();

type Client = Awaited<ReturnType<typeof connect>>;
const closesOf = (client: Client) =>
  client
    .flushes(STREAM)
    .flatMap((flush) => flush.bars?.rows.map((row) => [row[0], row[CLOSE]]) ?? []);

/** What `pick` finds once it has come; the client itself knows columns only. */
async function arrived(client: Client, pick: () => string | undefined): Promise<string> {
  for (;;) {
    const found = pick();
    if (found !== undefined) return found;
    await new Promise((resolve) =>
      client.socket.addEventListener("message", resolve, { once: true }),
    );
  }
}

describe("a subscription from a knowledge time", () => {
  it("replays what became known since, and goes live", async () => {
    await load(GROUPS);
    for (const index of [0, 1, 2])
      await ingestMinute(AAPL_GROUP, index, { AAPL: 100 + index, ORCL: 50 });
    const client = await connect();
    const ack = await client.subscribe(["AAPL"], { from: minute(2) });
    expect(ack.resume).toEqual([{ g: STREAM, recovered: true, from: 2, to: 3 }]);
    await ingestMinute(AAPL_GROUP, 3, { AAPL: 103, ORCL: 50 });
    await client.settled();
    expect(client.flushes().map(({ fs, rp }) => [fs, rp])).toEqual([
      [2, 1],
      [3, 1],
      [4, undefined],
    ]);
  });

  it("that lies ahead is now, and one that left the log is handed off", async () => {
    await load(GROUPS);
    for (const index of [0, 1, 2])
      await ingestMinute(AAPL_GROUP, index, { AAPL: 100 + index, ORCL: 50 });
    const ahead = await connect();
    const first = await ahead.subscribe(["AAPL"], { from: minute(900) });
    expect(first.resume).toEqual([{ g: STREAM, recovered: true, from: 4, to: 3 }]);
    await runInDurableObject(
      group(AAPL_GROUP),
      (_, state) => void state.storage.sql.exec("DELETE FROM flush WHERE fs <= 2"),
    );
    for (const from of [0, minute(1)]) {
      const client = await connect();
      const ack = await client.subscribe(["AAPL"], { from });
      expect(ack.resume).toMatchObject([{ g: STREAM, recovered: false, handoff: { join_fs: 4 } }]);
      expect(ack.resume?.[0]?.handoff?.url).toContain(
        `as_of_a=${encodeURIComponent(new Date(from).toISOString())}`,
      );
    }
  });

  it("names only the streams that no token names", async () => {
    await load(GROUPS);
    const { token } = await (await connect()).subscribe(["AAPL"]);
    for (const index of [0, 1, 2]) {
      await ingestMinute(AAPL_GROUP, index, { AAPL: 100, ORCL: 50 });
      await ingestMinute(SPY_GROUP, index, { SPY: 500, BAC: 30 });
    }
    const client = await connect();
    const ack = await client.subscribe(["AAPL", "SPY"], { resume: token, from: minute(2) });
    expect(ack.resume).toHaveLength(2);
    expect(ack.resume).toContainEqual({ g: STREAM, recovered: true, from: 1, to: 3 });
    expect(ack.resume).toContainEqual({ g: `${SPY_GROUP}b`, recovered: true, from: 2, to: 3 });
  });
});

describe("a snapshot of bars", () => {
  it("brings the last bar of each symbol, then what comes, wherever the connection lives", async () => {
    await load(GROUPS);
    await ingestMinute(AAPL_GROUP, 0, { AAPL: 100, ORCL: 50 });
    await ingestMinute(AAPL_GROUP, 1, { AAPL: 101 });
    for (const client of [await connectTo(AAPL_GROUP), await connectTo(MSFT_GROUP)]) {
      const ack = await client.subscribe(["AAPL", "ORCL"], { from: "snapshot" });
      expect(ack.resume).toBeUndefined();
      await client.settled();
      const [snapshot, ...more] = client.of("snapshot");
      expect(more).toEqual([]);
      expect(snapshot).toMatchObject({ g: STREAM, fs: 2, bars: { ch: "bars.1m" } });
      expect(snapshot?.bars?.rows.map((row) => [row[0], row[1], row[CLOSE]])).toEqual([
        ["AAPL", minute(1), 101],
        ["ORCL", minute(0), 50],
      ]);
    }
    const late = await connect();
    await late.subscribe(["ORCL"], { from: "snapshot" });
    await ingestMinute(AAPL_GROUP, 2, { ORCL: 52 });
    await late.settled();
    expect(numbers(late.flushes())).toEqual([3]);
    const again = await connect();
    await again.subscribe(["ORCL"], { from: "snapshot" });
    await again.settled();
    const [latest] = again.of("snapshot");
    expect(latest?.bars?.rows.map((row) => row.slice(0, 2))).toEqual([["ORCL", minute(2)]]);
  });

  it("has a frame for each channel of bars, also without bars", async () => {
    await load(GROUPS);
    const client = await connect();
    await client.subscribe(["AAPL"], { ch: ["bars.1m", "bars.1d"], from: "snapshot" });
    await client.settled();
    expect(client.of("snapshot").map(({ g, fs, bars }) => [g, fs, bars])).toEqual([
      [STREAM, 0, undefined],
      [STREAM, 0, undefined],
    ]);
  });
});

describe("a stream that is followed already", () => {
  it("is replayed for a symbol that joins, and goes on for all without a hole", async () => {
    await load(GROUPS);
    const client = await connect();
    const { token } = await client.subscribe(["AAPL"]);
    for (const index of [0, 1]) await ingestMinute(AAPL_GROUP, index, { AAPL: index, ORCL: 50 });
    await client.settled();
    const ack = await client.subscribe(["ORCL"], { resume: token });
    expect(ack.resume).toEqual([{ g: STREAM, recovered: true, from: 1, to: 2 }]);
    await ingestMinute(AAPL_GROUP, 2, { AAPL: 2, ORCL: 52 });
    await client.settled();
    expect(client.flushes().map(({ fs, rp }) => [fs, rp])).toEqual([
      [1, undefined],
      [2, undefined],
      [1, 1],
      [2, 1],
      [3, undefined],
    ]);
    expect(closesOf(client)).toEqual([
      ["AAPL", 0],
      ["AAPL", 1],
      ["ORCL", 50],
      ["ORCL", 50],
      ["AAPL", 2],
      ["ORCL", 52],
    ]);
  });
});

describe("a snapshot for a symbol that joins a followed stream", () => {
  it.each([
    ["alone", []],
    ["beside a stream that is resumed", ["SPY"]],
  ])("has what came while it was asked for, %s", async (_name, resumed) => {
    await load(GROUPS);
    const client = await connectTo(MSFT_GROUP);
    await client.subscribe(["AAPL"]);
    const { token } = await (await connectTo(MSFT_GROUP)).subscribe(["SPY"]);
    let asked = 0;
    afterAnswering("latestBars", async () => {
      asked += 1;
      if (asked === 1) await ingestMinute(AAPL_GROUP, 0, { AAPL: 100, ORCL: 50 });
    });
    const more = resumed.length > 0 ? { resume: token } : {};
    await client.subscribe(["ORCL", ...resumed], { from: "snapshot", ...more });
    await ingestMinute(AAPL_GROUP, 1, { AAPL: 101 });
    await client.settled();
    expect(asked).toBe(2);
    expect(numbers(client.flushes(STREAM))).toEqual([1, 2]);
    const [snapshot] = client.of("snapshot");
    expect(snapshot).toMatchObject({ g: STREAM, fs: 1 });
    expect(snapshot?.bars?.rows.map((row) => [row[0], row[CLOSE]])).toEqual([["ORCL", 50]]);
  });

  it("has what came while another stream was replayed", async () => {
    await load(GROUPS);
    const client = await connectTo(MSFT_GROUP);
    await client.subscribe(["AAPL"]);
    const { token } = await (await connectTo(MSFT_GROUP)).subscribe(["SPY"]);
    await ingestMinute(SPY_GROUP, 0, { SPY: 500 });
    let reads = 0;
    afterAnswering("readLog", async () => {
      reads += 1;
      if (reads === 1) await ingestMinute(AAPL_GROUP, 0, { AAPL: 100, ORCL: 50 });
    });
    await client.subscribe(["ORCL", "SPY"], { from: "snapshot", resume: token });
    await client.settled();
    expect(reads).toBeGreaterThan(0);
    expect(client.of("snapshot")).toMatchObject([{ g: STREAM, fs: 1 }]);
    expect(client.of("snapshot")[0]?.bars?.rows.map((row) => row[0])).toEqual(["ORCL"]);
  });
});

describe("rows as objects", () => {
  it("have their columns' names, for one connection and not for its neighbour", async () => {
    await load(GROUPS);
    const texts: string[] = [];
    const objects = await connectTo(AAPL_GROUP);
    objects.socket.addEventListener("message", ({ data }) => void texts.push(String(data)));
    const lists = await connectTo(AAPL_GROUP);
    objects.send({ op: "sub", ch: ["bars.1m"], symbols: ["AAPL"], format: "objects" });
    await lists.subscribe(["AAPL"]);
    await ingestMinute(AAPL_GROUP, 0, { AAPL: 100, ORCL: 50 });
    await lists.settled();
    const row = lists.flushes()[0]?.bars?.rows[0];
    expect(row?.slice(0, 2)).toEqual(["AAPL", minute(0)]);
    const flush = await arrived(objects, () => texts.find((text) => text.includes('"op":"flush"')));
    expect(JSON.parse(flush)).toHaveProperty("bars", {
      ch: "bars.1m",
      rows: [Object.fromEntries(FLUSH_COLUMNS.map((name, place) => [name, row?.[place]]))],
    });
  });
});
