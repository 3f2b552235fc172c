import { describe, expect, it } from "vitest";
import { ClientBook } from "../../../../dev/session/churn/client-book.ts";
import { Conversation } from "../../../../dev/session/churn/conversation.ts";
import { FrameReader } from "../../../../dev/session/churn/frame-reader.ts";
import { ResumeTally } from "../../../../dev/session/churn/resume-tally.ts";
import { RowBook } from "../../../../dev/session/churn/row-book.ts";
import type { HandoffPart } from "../../../../dev/session/handoff.ts";
import { MINUTE_MS } from "../../../../src/domain/time.ts";
import { Crc32c } from "../../../../src/stream/crc32c.ts";
import { formatToken } from "../../../../src/stream/token.ts";

const EPOCH = "k3f9a2xqabcdefg";
const FROM_MS = Date.UTC(2026, 2, 20, 13, 30);
const WANT = { bars: ["AAPL"], quotes: [] };
const at = (fs: number) => FROM_MS + fs * 1_000;
const token = (fs: number) => formatToken([["0b", { epoch: EPOCH, fs, at: at(fs) }]]);
const COLUMNS = ["s", "t", "o", "h", "l", "c", "v", "n", "vw", "rev", "src", "feed", "st"];
const rowOf = (fs: number) =>
  ["AAPL", FROM_MS + fs * MINUTE_MS, 1, 1, 1, 1, 10, 1, 1, 0, "alpaca", "sip", "first"] as const;
const flush = (fs: number, more: object = {}) => {
  const bars = { ch: "bars.1m", cols: COLUMNS, rows: [rowOf(fs)] };
  return JSON.stringify({ op: "flush", g: "0b", e: EPOCH, fs, at: at(fs), bars, ...more });
};
const replayed = (fs: number) => flush(fs, { rp: 1 });
const ack = (fs: number, resume?: object) =>
  JSON.stringify({
    op: "ack",
    id: 1,
    subs: {},
    rejected: [],
    token: token(fs),
    ...(resume === undefined ? {} : { resume: [resume] }),
  });
function trailer(texts: readonly string[], fs: number): string {
  const crc = new Crc32c();
  for (const text of texts) crc.update(text);
  return JSON.stringify({
    op: "caught_up",
    g: "0b",
    fs,
    count: texts.length,
    crc32c: crc.digest(),
  });
}

/** A client that has flushes 1 and 2 of an earlier connection, and its next conversation. */
function resuming(parts: readonly HandoffPart[] = [], hasLeft = true) {
  const rows = new RowBook(FROM_MS);
  const reader = new FrameReader(rows);
  const book = new ClientBook();
  const tally = new ResumeTally();
  const faults: string[] = [];
  const sent: string[] = [];
  const make = () =>
    new Conversation({
      book,
      rows,
      reader,
      tally,
      symbolGroups: 1,
      send: (text) => sent.push(text),
      async *follow() {
        yield* parts;
      },
      hasLeftLog: async () => hasLeft,
      giveUp: () => {},
      fault: (text) => faults.push(text),
    });
  const first = make();
  first.begin(WANT);
  for (const text of [ack(0), flush(1), flush(2)]) first.receive(text);
  first.end();
  const next = make();
  next.begin(WANT);
  return { book, tally, faults, sent, next };
}

describe("a resume", () => {
  it("goes by the token of what came, and is recovered when its trailer matches", () => {
    const { book, tally, faults, sent, next } = resuming();
    expect(sent.at(-1)).toContain(`"resume":"${token(2)}"`);
    const texts = [replayed(3), replayed(4)];
    next.receive(ack(4, { g: "0b", recovered: true, from: 3, to: 4 }));
    for (const text of texts) next.receive(text);
    expect(next.isSettled).toBe(false);
    next.receive(trailer(texts, 4));
    next.receive(`{"op":"batch","flushes":[${flush(5)},${flush(6)}]}`);
    expect(next.isSettled).toBe(true);
    expect(faults).toEqual([]);
    expect(tally).toMatchObject({ recovered: 1, unproven: 0, interrupted: 0 });
    expect(book).toMatchObject({
      breaks: 0,
      duplicateFlushes: 0,
      marks: { count: 6, duplicates: 0 },
    });
    expect(book.tenures()).toEqual([
      { stream: "0b", fromMs: at(0), toMs: at(6), symbols: ["AAPL"] },
    ]);
  });

  it.each([
    ["checksum", [replayed(3)], trailer([replayed(4)], 3), "checksum"],
    ["number", [replayed(3)], trailer([replayed(3), replayed(4)], 3), "rows came"],
    ["end", [replayed(3)], trailer([replayed(3)], 4), "it ends with"],
    ["order", [replayed(4)], trailer([replayed(4)], 4), "follow one another"],
  ])("is a fault when its %s is another", (_, texts, end, says) => {
    const { tally, faults, next } = resuming();
    next.receive(ack(3, { g: "0b", recovered: true, from: 3, to: 3 }));
    for (const text of texts) next.receive(text);
    next.receive(end);
    expect(faults.join()).toContain(says);
    expect(tally).toMatchObject({ recovered: 0, unproven: 1 });
  });

  it("is interrupted, not lost, when the connection ends first, and a fault when nobody answers it", () => {
    const cut = resuming();
    cut.next.receive(ack(4, { g: "0b", recovered: true, from: 3, to: 4 }));
    cut.next.receive(replayed(3));
    cut.next.end();
    expect(cut.tally).toMatchObject({ recovered: 0, unproven: 0, interrupted: 1 });
    expect(cut.book.positions.get("0b")?.fs).toBe(3);
    const silent = resuming();
    silent.next.receive(ack(4));
    expect(silent.tally.unproven).toBe(1);
    expect(silent.faults.join()).toContain("was not answered");
  });

  it("that is handed off takes the diff first, then the replay that joins it, then live flushes", async () => {
    const beliefs = [3, 4].map((fs) => ({
      symbol: "AAPL",
      ts: rowOf(fs)[1],
      revision: 0,
      chars: 90,
    }));
    const diff: HandoffPart = { kind: "beliefs", beliefs, untilMs: at(4) };
    const { book, tally, faults, next } = resuming([diff]);
    const handoff = { url: "/v1/bars/diff?as_of_a=1&as_of_b=2&symbols=AAPL", join_fs: 5 };
    next.receive(ack(5, { g: "0b", recovered: false, code: 1412, handoff }));
    for (const text of [replayed(5), trailer([replayed(5)], 5), flush(6)]) next.receive(text);
    await expect.poll(() => next.isSettled).toBe(true);
    await expect.poll(() => tally.uncounted).toBe(0);
    expect(faults).toEqual([]);
    expect(tally).toMatchObject({ handedOff: { aged_out: 1 }, by: { diff: 1, replay: 0 } });
    expect(book.positions.get("0b")).toEqual({ epoch: EPOCH, fs: 6, at: at(6) });
    expect(book).toMatchObject({ breaks: 0, marks: { count: 6, duplicates: 0 } });
  });

  it("that is handed off although the buffer had it counts against the socket", async () => {
    const { tally, faults, next } = resuming([{ kind: "flushes", frames: [] }], false);
    const handoff = { url: `/v1/stream/replay?from=${token(2)}`, join_fs: 3 };
    next.receive(ack(2, { g: "0b", recovered: false, code: 1412, handoff }));
    next.receive(trailer([], 2));
    await expect.poll(() => tally.handedOff.needless).toBe(1);
    expect(tally.recoveredPct()).toBe(0);
    expect(faults).toEqual([]);
  });

  it("that HTTP replays brings nothing on the socket, and the trailer has to say so", async () => {
    const { tally, faults, next } = resuming([{ kind: "flushes", frames: [] }]);
    const handoff = { url: `/v1/stream/replay?from=${token(2)}`, join_fs: 3 };
    next.receive(ack(2, { g: "0b", recovered: false, code: 1412, handoff }));
    expect(next.isSettled).toBe(false);
    next.receive(trailer([replayed(3)], 2));
    expect(faults.join()).toContain("rows came");
    expect(tally.unproven).toBe(1);
  });
});

describe("a new epoch", () => {
  it("is handed off without a trailer: what comes behind it is live", async () => {
    const { book, tally, faults, next } = resuming([
      { kind: "beliefs", beliefs: [], untilMs: at(3) },
    ]);
    next.receive(ack(2, { g: "0b", recovered: true, from: 3, to: 2 }));
    next.receive(trailer([], 2));
    const handoff = { url: "/v1/bars/diff?as_of_a=1&as_of_b=2&symbols=AAPL", join_fs: 1 };
    const renewed = EPOCH.replace(/.$/, "z");
    next.receive(JSON.stringify({ op: "epoch", g: "0b", e: renewed, fs: 0, handoff }));
    await expect.poll(() => next.isSettled).toBe(true);
    expect(tally.epochs).toBe(1);
    expect(faults).toEqual([]);
    expect(book.positions.get("0b")).toMatchObject({ epoch: renewed, fs: 0 });
  });
});

describe("what comes live", () => {
  it("is a break when a number is left out, and a duplicate when it comes again", () => {
    const { book, next } = resuming();
    next.receive(ack(2, { g: "0b", recovered: true, from: 3, to: 2 }));
    next.receive(trailer([], 2));
    next.receive(flush(4));
    next.receive(flush(4));
    expect(book).toMatchObject({ breaks: 1, duplicateFlushes: 1, marks: { duplicates: 1 } });
  });

  it("is parsed once for all who get it in the same words, in whatever batch", () => {
    const reader = new FrameReader(new RowBook(FROM_MS));
    for (const text of [flush(1), `{"op":"batch","flushes":[${flush(1)},${flush(2)}]}`, flush(2)])
      reader.frame(text);
    expect(reader).toMatchObject({ read: 4, parsed: 2 });
  });
});
