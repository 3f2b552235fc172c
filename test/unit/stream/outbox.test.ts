import { describe, expect, it } from "vitest";
import { BATCH_MS, Outbox, type Recipient, sendText } from "../../../src/stream/outbox.ts";

/** An outbox whose timers fire by hand, and connections that keep what they were sent. */
function outboxOf(broken: readonly string[] = []) {
  const timers: (() => void)[] = [];
  const settled: string[] = [];
  let rounds = 0;
  const outbox = new Outbox<Recipient & { readonly id: string }>({
    after: (delayMs, act) => {
      expect(delayMs).toBe(BATCH_MS);
      timers.push(act);
    },
    onSettled: ({ id }) => {
      if (broken.includes(id)) throw new Error(`${id} breaks down`);
      settled.push(id);
    },
    onSent: () => (rounds += 1),
  });
  const open = (id: string, send?: () => never) => {
    const sent: string[] = [];
    const socket = { send: send ?? ((text: string) => void sent.push(text)) };
    const counts = { outboxChars: 0, sentCount: 0, failedCount: 0 };
    const connection = { id, socket, outbox: new Array<string>(), isWaiting: false, ...counts };
    return { connection, sent };
  };
  return {
    outbox,
    settled,
    open,
    rounds: () => rounds,
    fire: () => {
      for (const act of timers.splice(0)) act();
    },
    timers: () => timers.length,
  };
}

describe("an outbox", () => {
  it("sends what came within the wait as one frame, then what comes after it as the next", () => {
    const { outbox, open, fire, timers, settled, rounds } = outboxOf();
    const [a, b] = [open("a"), open("b")];
    outbox.push(a.connection, "1");
    outbox.push(b.connection, "1");
    outbox.push(a.connection, "2");
    expect(timers()).toBe(1);
    expect(a.sent).toEqual([]);
    fire();
    expect(a.sent).toEqual(['{"op":"batch","flushes":[1,2]}']);
    expect(b.sent).toEqual(["1"]);
    expect(settled).toEqual(["a", "b"]);
    for (const text of ["3", "4"]) {
      outbox.push(a.connection, text);
      fire();
    }
    expect(a.sent.slice(1)).toEqual(["3", "4"]);
    expect(settled).toEqual(["a", "b", "a", "a"]);
    expect(rounds()).toBe(3);
    fire();
    expect(a.sent).toHaveLength(3);
  });

  it("sends before its time what has to be out first, and then nothing twice", () => {
    const { outbox, open, fire, settled } = outboxOf();
    const { connection, sent } = open("a");
    outbox.push(connection, "1");
    outbox.send(connection);
    sendText(connection, "ack");
    expect(sent).toEqual(["1", "ack"]);
    outbox.push(connection, "2");
    fire();
    expect(sent).toEqual(["1", "ack", "2"]);
    expect(settled).toEqual(["a"]);
  });

  it("settles once who moved on without a frame", () => {
    const { outbox, open, fire, settled } = outboxOf();
    const { connection, sent } = open("a");
    outbox.touch(connection);
    outbox.touch(connection);
    fire();
    expect(sent).toEqual([]);
    expect(settled).toEqual(["a"]);
  });

  it("sends a large batch at once", () => {
    const { outbox, open, settled } = outboxOf();
    const { connection, sent } = open("a");
    const half = "x".repeat(130 * 1_024);
    outbox.push(connection, half);
    expect(sent).toEqual([]);
    outbox.push(connection, half);
    expect(sent).toHaveLength(1);
    expect(settled).toEqual(["a"]);
  });

  it("forgets what waited for who has gone, and says how much that was", () => {
    const { outbox, open, fire, settled } = outboxOf();
    const { connection, sent } = open("a");
    outbox.push(connection, "1");
    outbox.push(connection, "2");
    expect(outbox.discard(connection)).toBe(2);
    fire();
    expect(sent).toEqual([]);
    expect(settled).toEqual([]);
  });

  it("makes the text of equal batches once and of different ones not", () => {
    const { outbox, open, fire } = outboxOf();
    const all = ["a", "b", "c"].map((id) => open(id));
    for (const { connection } of all) outbox.push(connection, "1");
    for (const [place, { connection }] of all.entries())
      outbox.push(connection, place < 2 ? "2" : "3");
    fire();
    expect(all.map(({ sent }) => sent)).toEqual([
      ['{"op":"batch","flushes":[1,2]}'],
      ['{"op":"batch","flushes":[1,2]}'],
      ['{"op":"batch","flushes":[1,3]}'],
    ]);
  });

  it("goes on behind a connection that breaks down", () => {
    const { outbox, open, fire, settled } = outboxOf(["b"]);
    const all = ["a", "b", "c"].map((id) => open(id));
    for (const { connection } of all) outbox.push(connection, "1");
    expect(fire).toThrow("b breaks down");
    expect(all.map(({ sent }) => sent)).toEqual([["1"], ["1"], []]);
    fire();
    expect(all.map(({ sent }) => sent)).toEqual([["1"], ["1"], ["1"]]);
    expect(settled).toEqual(["a", "c"]);
  });

  it("counts what was sent and what a closed socket did not take", () => {
    const { outbox, open, fire } = outboxOf();
    const closed = open("a", () => {
      throw new Error("closed");
    });
    const { connection } = open("b");
    outbox.push(closed.connection, "1");
    outbox.push(connection, "1");
    fire();
    expect(closed.connection).toMatchObject({ sentCount: 0, failedCount: 1 });
    expect(connection).toMatchObject({ sentCount: 1, failedCount: 0 });
  });
});
