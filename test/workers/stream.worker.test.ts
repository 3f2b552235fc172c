import { runInDurableObject } from "cloudflare:test";
import { describe, expect, it, vi } from "vitest";
import { SymbolGroup } from "../../durable-objects/symbol-group.ts";
import { Crc32c } from "../../src/stream/crc32c.ts";
import { toIso } from "../../src/domain/time.ts";
import { stepMarketClock } from "../../src/platform/clocks.ts";
import { numbers } from "./support/stream-client.ts";
import {
  AAPL_GROUP,
  answerOf,
  connect,
  connectTo,
  group,
  ingestMinute,
  load,
  minute,
  MSFT_GROUP,
  outcomeOf,
  postgres,
  SPY_GROUP,
  useWorld,
} from "./support/world.ts";

const GROUPS = [AAPL_GROUP, MSFT_GROUP, SPY_GROUP];
const AAPL_STREAM = `${AAPL_GROUP}b`;
const SPY_STREAM = `${SPY_GROUP}b`;
useWorld();

const symbolsOf = (
  client: { flushes(stream?: string): { bars?: { rows: [string, ...unknown[]][] } | undefined }[] },
  stream?: string,
) => client.flushes(stream).flatMap((flush) => flush.bars?.rows.map((row) => row[0]) ?? []);

describe("a connection", () => {
  it("is greeted, acknowledges symbols of several groups, and refuses an unknown one alone", async () => {
    await load(GROUPS);
    const client = await connect();
    const hello = await client.find((frame) => (frame.op === "hello" ? frame : null));
    expect(hello).toMatchObject({
      v: 1,
      at: minute(0),
      limits: { symbols: 16_384, frame_bytes: 262_144 },
      market: { state: "open" },
    });
    const ack = await client.subscribe(["AAPL", "MSFT", "SPY", "NO.SUCH"]);
    expect(ack.subs["bars.1m"]?.count).toBe(3);
    expect(ack.rejected).toEqual([{ symbol: "NO.SUCH", code: 1404 }]);
    const streams = new Set(ack.token.split(",").map((item) => item.split(".")[0]));
    expect(streams).toEqual(new Set(GROUPS.map((home) => `${home}b`)));
  });

  it("gets only its own rows, and every flush of a stream it follows by number", async () => {
    await load(GROUPS);
    const [one, two] = [await connect(), await connect()];
    await one.subscribe(["AAPL"]);
    await two.subscribe(["ORCL", "SPY"]);
    await ingestMinute(AAPL_GROUP, 0, { AAPL: 100, ORCL: 50 });
    await ingestMinute(AAPL_GROUP, 1, { AAPL: 101 });
    await ingestMinute(AAPL_GROUP, 2, { ORCL: 51 });
    await ingestMinute(SPY_GROUP, 2, { SPY: 500, BAC: 30 });
    await Promise.all([one.settled(), two.settled()]);
    expect(numbers(one.flushes())).toEqual([1, 2, 3]);
    expect(symbolsOf(one)).toEqual(["AAPL", "AAPL"]);
    expect(numbers(two.flushes(AAPL_STREAM))).toEqual([1, 2, 3]);
    expect(symbolsOf(two, AAPL_STREAM)).toEqual(["ORCL", "ORCL"]);
    expect(symbolsOf(two, SPY_STREAM)).toEqual(["SPY"]);
  });

  it("gets manifest entries that add up for its own symbols", async () => {
    await load(GROUPS);
    const client = await connect();
    await client.subscribe(["AAPL", "ORCL"]);
    await ingestMinute(AAPL_GROUP, 0, { AAPL: 100 });
    await ingestMinute(AAPL_GROUP, 0, { AAPL: 100, ORCL: 50 });
    await client.settled();
    const entries = client.flushes().flatMap((flush) => flush.man ?? []);
    expect(entries).toEqual([
      [minute(0), 2, 1, 0, 0, 1],
      [minute(0), 2, 2, 0, 0, 0],
    ]);
    for (const [, expected, ...parts] of entries)
      expect(parts.reduce((sum, part) => sum + part, 0)).toBe(expected);
  });

  it("is told in the manifest when a minute becomes missing, for its counts change", async () => {
    await load(GROUPS);
    const client = await connect();
    await client.subscribe(["AAPL", "ORCL"]);
    await ingestMinute(AAPL_GROUP, 0, { AAPL: 100 });
    stepMarketClock(minute(3) + 30_000);
    await group(AAPL_GROUP).ingest("test", outcomeOf());
    await group(AAPL_GROUP).runUntilQuiet();
    await client.settled();
    const last = client.flushes().at(-1);
    expect(last?.gaps?.[0]).toEqual(["ORCL", minute(0), minute(1), "open", null, null]);
    expect(last?.man?.find(([ts]) => ts === minute(0))).toEqual([minute(0), 2, 1, 0, 1, 0]);
  });

  it("gets deliveries that come together as one batch, and answers to ping", async () => {
    await load(GROUPS);
    const client = await connectTo(AAPL_GROUP);
    await client.subscribe(["AAPL"]);
    stepMarketClock(minute(3));
    const answers = [0, 1, 2].map((index) =>
      answerOf({ AAPL: { [index]: 100 } }, { fromIndex: index, toIndex: index + 1 }),
    );
    await group(AAPL_GROUP).ingest("test", outcomeOf(...answers));
    client.send("ping");
    await client.until(() => client.pongs === 1 && client.flushes().length === 3);
    expect(client.of("batch")).toHaveLength(1);
    expect(numbers(client.flushes())).toEqual([1, 2, 3]);
  });

  it("leaves what it unsubscribes and keeps the rest", async () => {
    await load(GROUPS);
    const client = await connect();
    await client.subscribe(["AAPL", "ORCL", "SPY"]);
    const ack = await client.ask({ op: "unsub", ch: ["bars.1m"], symbols: ["AAPL", "SPY"] });
    expect(ack).toMatchObject({ op: "ack", subs: { "bars.1m": { count: 1 } } });
    await ingestMinute(AAPL_GROUP, 0, { AAPL: 100, ORCL: 50 });
    await ingestMinute(SPY_GROUP, 0, { SPY: 500, BAC: 1 });
    await client.settled();
    expect(symbolsOf(client)).toEqual(["ORCL"]);
    expect(client.flushes(SPY_STREAM)).toEqual([]);
  });

  it("gets the whole universe by a star, and first revisions only when it asks for them", async () => {
    await load(GROUPS);
    const all = await connect("?symbols=*");
    const firsts = await connectTo(MSFT_GROUP);
    await all.find((frame) => (frame.op === "ack" ? frame : null));
    await firsts.subscribe(["AAPL"], { rev: "first" });
    await ingestMinute(AAPL_GROUP, 0, { AAPL: 100 });
    await ingestMinute(SPY_GROUP, 0, { SPY: 500 });
    stepMarketClock(minute(2));
    const revised = answerOf(
      { AAPL: { 0: 101 } },
      { fromIndex: 0, toIndex: 1, askedAt: minute(2) },
    );
    await group(AAPL_GROUP).ingest("test", outcomeOf(revised));
    await group(AAPL_GROUP).runUntilQuiet();
    await Promise.all([all.settled(), firsts.settled()]);
    expect(symbolsOf(all).toSorted()).toEqual(["AAPL", "AAPL", "SPY"]);
    expect(numbers(firsts.flushes())).toEqual([1, 2]);
    expect(symbolsOf(firsts)).toEqual(["AAPL"]);
  });

  it("that adds a symbol of a stream it follows goes on without a hole", async () => {
    await load(GROUPS);
    const client = await connect();
    await client.subscribe(["AAPL"]);
    await ingestMinute(AAPL_GROUP, 0, { AAPL: 100, ORCL: 50 });
    await client.subscribe(["ORCL"]);
    await ingestMinute(AAPL_GROUP, 1, { AAPL: 100, ORCL: 50 });
    await client.settled();
    expect(numbers(client.flushes())).toEqual([1, 2]);
    expect(symbolsOf(client)).toEqual(["AAPL", "AAPL", "ORCL"]);
  });
});

describe("resuming by token", () => {
  it("replays what came since, trailed by a count and a checksum that match, and goes live", async () => {
    await load(GROUPS);
    const before = await connect();
    const { token } = await before.subscribe(["AAPL", "SPY"]);
    before.socket.close();
    for (const index of [0, 1, 2])
      await ingestMinute(AAPL_GROUP, index, { AAPL: 100 + index, ORCL: 50 });
    await ingestMinute(SPY_GROUP, 2, { SPY: 500 });
    const client = await connect();
    const ack = await client.subscribe(["AAPL", "SPY"], { resume: token });
    expect(ack.resume).toContainEqual({ g: AAPL_STREAM, recovered: true, from: 1, to: 3 });
    await ingestMinute(AAPL_GROUP, 3, { AAPL: 103 });
    await client.settled();
    expect(numbers(client.flushes(AAPL_STREAM))).toEqual([1, 2, 3, 4]);
    expect(client.flushes(AAPL_STREAM).map((flush) => flush.rp)).toEqual([1, 1, 1, undefined]);
    const crc = new Crc32c();
    for (const text of client.texts.filter(
      (text) => text.includes(`"g":"${AAPL_STREAM}"`) && text.includes('"rp":1'),
    ))
      crc.update(text);
    const trailer = client.of("caught_up").find((frame) => frame.g === AAPL_STREAM);
    expect(trailer).toEqual({
      op: "caught_up",
      g: AAPL_STREAM,
      fs: 3,
      count: 3,
      crc32c: crc.digest(),
    });
  });

  it("hands off to a diff what is of a foreign epoch or ahead of the log, and joins behind Postgres", async () => {
    await load(GROUPS);
    const first = await connect();
    const { token } = await first.subscribe(["AAPL"]);
    for (const index of [0, 1, 2]) await ingestMinute(AAPL_GROUP, index, { AAPL: 100 + index });
    const [, epoch = ""] = token.split(".");
    const at = minute(0) + 5;
    for (const foreign of ["000000000000000.1", `${epoch}.9`]) {
      const client = await connect();
      const resume = `${AAPL_STREAM}.${foreign}.${at.toString(36)}`;
      const ack = await client.subscribe(["AAPL"], { resume });
      const { asOf = 0 } = postgres.cursors.get(AAPL_GROUP) ?? {};
      const times = new URLSearchParams({ as_of_a: toIso(at), as_of_b: toIso(asOf) });
      const url = `/v1/bars/diff?${times.toString()}&symbols=AAPL`;
      expect(ack.resume).toEqual([
        { g: AAPL_STREAM, recovered: false, code: 1412, handoff: { url, join_fs: 4 } },
      ]);
      await client.settled();
      expect(client.flushes()).toEqual([]);
      expect(client.of("caught_up")).toMatchObject([{ fs: 3, count: 0, crc32c: "00000000" }]);
    }
  });

  it("replays behind the diff what Postgres does not have yet", async () => {
    await load(GROUPS);
    await ingestMinute(AAPL_GROUP, 0, { AAPL: 100, ORCL: 50 });
    postgres.away = true;
    for (const index of [1, 2])
      await ingestMinute(AAPL_GROUP, index, { AAPL: 100 + index, ORCL: 50 });
    const client = await connect();
    const resume = `${AAPL_STREAM}.000000000000000.1.a`;
    const ack = await client.subscribe(["AAPL"], { resume });
    expect(ack.resume?.[0]).toMatchObject({ recovered: false, handoff: { join_fs: 2 } });
    expect(ack.resume?.[0]?.handoff?.url).toContain(
      `as_of_b=${encodeURIComponent(toIso(postgres.cursors.get(AAPL_GROUP)?.asOf ?? 0))}`,
    );
    await ingestMinute(AAPL_GROUP, 3, { AAPL: 103, ORCL: 50 });
    await client.settled();
    expect(client.flushes().map(({ fs, rp }) => [fs, rp])).toEqual([
      [2, 1],
      [3, 1],
      [4, undefined],
    ]);
  });

  it("hands off what has left the log, and closes a live connection that had waited for it", async () => {
    await load(GROUPS);
    const live = await connectTo(MSFT_GROUP);
    const { token } = await live.subscribe(["AAPL"]);
    vi.spyOn(SymbolGroup.prototype, "deliver").mockRejectedValue(new Error("the network was lost"));
    for (const index of [0, 1, 2])
      await ingestMinute(AAPL_GROUP, index, { AAPL: 100 + index, ORCL: 50 });
    await runInDurableObject(
      group(AAPL_GROUP),
      (_, state) => void state.storage.sql.exec("DELETE FROM flush WHERE fs <= 2"),
    );
    const late = await connect();
    const ack = await late.subscribe(["AAPL"], { resume: token });
    expect(ack.resume).toMatchObject([
      { g: AAPL_STREAM, recovered: false, code: 1412, handoff: { join_fs: 4 } },
    ]);
    await group(MSFT_GROUP).runUntilQuiet();
    expect(await live.closing()).toBe(4010);
    expect(live.flushes()).toEqual([]);
  });

  it("answers a token's own hand-off over HTTP and joins the live stream without a hole", async () => {
    await load(GROUPS);
    for (const index of [0, 1, 2]) await ingestMinute(AAPL_GROUP, index, { AAPL: 100 + index });
    const { epoch } = await group(AAPL_GROUP).status();
    const client = await connect();
    const ack = await client.subscribe(["AAPL"], { resume: `${AAPL_STREAM}.${epoch}.9.a` });
    await ingestMinute(AAPL_GROUP, 3, { AAPL: 103 });
    await client.settled();
    expect(client.flushes()[0]?.fs).toBe(ack.resume?.[0]?.handoff?.join_fs);
  });

  it("survives a client that goes away in the middle of its replay", async () => {
    await load(GROUPS);
    for (let index = 0; index < 30; index += 1)
      await ingestMinute(AAPL_GROUP, index, { AAPL: 100 + index, ORCL: 50 });
    const { epoch } = await group(AAPL_GROUP).status();
    const host = MSFT_GROUP;
    const [leaving, staying] = [await connectTo(host), await connectTo(host)];
    await staying.subscribe(["AAPL"]);
    leaving.send({
      op: "sub",
      ch: ["bars.1m"],
      symbols: ["AAPL"],
      resume: `${AAPL_STREAM}.${epoch}.0.0`,
    });
    leaving.socket.close();
    await ingestMinute(AAPL_GROUP, 30, { AAPL: 1, ORCL: 50 });
    await ingestMinute(AAPL_GROUP, 31, { AAPL: 2, ORCL: 50 });
    await staying.settled();
    expect(numbers(staying.flushes())).toEqual([31, 32]);
    expect((await group(host).status()).connections).toBe(1);
    expect(postgres.drains.get(AAPL_GROUP)).toHaveLength(32);
  });
});
