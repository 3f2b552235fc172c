import { NeonDbError } from "@neondatabase/serverless";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import {
  consumeDeadLetters,
  type DeadLetterDeps,
  type LetterMessage,
} from "../../../src/backfill/dead-letter-consumer.ts";
import type { DeadLetter } from "../../../src/contracts/dead-letter.ts";
import { deadLetter } from "../../support/dead-letters.ts";

/** A message that remembers what was done with it. */
class FakeMessage implements LetterMessage {
  readonly id = crypto.randomUUID();
  readonly body: unknown;
  readonly attempts: number;
  readonly done: string[] = [];

  constructor(body: unknown, attempts = 1) {
    this.body = body;
    this.attempts = attempts;
  }

  ack(): void {
    this.done.push("ack");
  }

  retry({ delaySeconds }: { delaySeconds: number }): void {
    this.done.push(`retry ${delaySeconds}`);
  }
}

/** A database and queues that say what came to them, in order. */
class FakeWorld implements DeadLetterDeps {
  readonly events: string[] = [];
  readonly stored: DeadLetter[] = [];
  /** What the next commits fail with, by whether a letter of theirs fits. */
  fails: ((letters: readonly DeadLetter[]) => Error | null) | null = null;
  deaf = false;
  draw = 0.5;
  readonly random = () => this.draw;

  readonly store = async (letters: readonly DeadLetter[]) => {
    const error = this.fails?.(letters) ?? null;
    if (error !== null) throw error;
    this.stored.push(...letters);
    this.events.push(`store ${letters.map(({ symbol }) => symbol).join(" ")}`);
  };

  readonly confirm: DeadLetterDeps["confirm"] = async (tier, deaths) => {
    if (this.deaf) throw new Error("overloaded");
    this.events.push(`confirm ${tier} ${deaths.map(({ diedMs }) => diedMs).join(" ")}`);
  };
}

let world: FakeWorld;
let errors: string[];
beforeEach(() => {
  world = new FakeWorld();
  errors = [];
  vi.spyOn(console, "error").mockImplementation((line) => errors.push(String(line)));
  vi.spyOn(console, "warn").mockImplementation(() => {});
});
afterEach(() => {
  vi.restoreAllMocks();
});

const letter = (symbol: string, change: Partial<DeadLetter> = {}) =>
  deadLetter({ symbol, died_ms: 5_000_000, ...change });
const donesOf = (messages: readonly FakeMessage[]) => messages.map(({ done }) => done);
const away = () => new TypeError("fetch failed");

/** As Postgres refuses the value of a row. */
function rowFault(): Error {
  const error = new NeonDbError("new row violates check constraint");
  error.code = "23514";
  error.constraint = "backfill_jobs_range";
  return error;
}

describe("the dead-letter consumer", () => {
  it("stores a batch in one statement, then tells each tier's queue, then acknowledges", async () => {
    const messages = [
      new FakeMessage(letter("A")),
      new FakeMessage(letter("B", { tier: "T1" })),
      new FakeMessage(letter("C", { died_ms: 6_000_000 })),
    ];
    const acked = vi.spyOn(messages[0] ?? new FakeMessage(null), "ack");
    acked.mockImplementation(() => world.events.push("ack"));
    await consumeDeadLetters(messages, world);
    expect(world.events).toEqual([
      "store A B C",
      "confirm T0 5000000 6000000",
      "confirm T1 5000000",
      "ack",
    ]);
    expect(donesOf(messages).slice(1)).toEqual([["ack"], ["ack"]]);
  });

  it("confirms and acknowledges a duplicate like the first", async () => {
    const messages = [new FakeMessage(letter("A")), new FakeMessage(letter("A"), 7)];
    await consumeDeadLetters(messages.slice(0, 1), world);
    await consumeDeadLetters(messages, world);
    expect(donesOf(messages)).toEqual([["ack", "ack"], ["ack"]]);
    expect(world.events.filter((event) => event.startsWith("confirm"))).toHaveLength(2);
  });

  it.each([
    ["nothing", null],
    ["a text", "T0:AAPL"],
    ["a later version", { ...letter("X"), v: 2 }],
    ["an unknown field", { ...letter("X"), x: 1 }],
    ["an empty range", letter("X", { end_ms: letter("X").start_ms })],
    ["a death beyond all dates", letter("X", { died_ms: 9e15 })],
    [
      "an attempt beyond all dates",
      letter("X", { history: [{ at_ms: 9e15, reason: "malformed", error: "" }] }),
    ],
  ])("logs and acknowledges %s, and stores the good beside it", async (_, body) => {
    const messages = [
      new FakeMessage(letter("A")),
      new FakeMessage(body),
      new FakeMessage(letter("B")),
    ];
    await consumeDeadLetters(messages, world);
    expect(world.events).toEqual(["store A B", "confirm T0 5000000 5000000"]);
    expect(donesOf(messages)).toEqual([["ack"], ["ack"], ["ack"]]);
    expect(errors).toEqual([expect.stringContaining(messages[1]?.id ?? "")]);
  });

  it("does not ask the database about a batch without letters", async () => {
    world.fails = away;
    const message = new FakeMessage({});
    await consumeDeadLetters([message], world);
    expect(message.done).toEqual(["ack"]);
  });

  it("lets exactly the letters come again while the database is away, later each time", async () => {
    world.fails = away;
    const messages = [1, 2, 5, 100].map((attempts) => new FakeMessage(letter("A"), attempts));
    const malformed = new FakeMessage("x");
    await consumeDeadLetters([...messages, malformed], world);
    expect(donesOf(messages)).toEqual([["retry 15"], ["retry 30"], ["retry 240"], ["retry 450"]]);
    expect(malformed.done).toEqual(["ack"]);
    expect(world.events).toEqual([]);
    world.fails = null;
    const again = new FakeMessage(letter("A"), 2);
    await consumeDeadLetters([again], world);
    expect(again.done).toEqual(["ack"]);
    expect(world.stored.map(({ symbol }) => symbol)).toEqual(["A"]);
  });

  it("never asks for a message at once", async () => {
    world.fails = away;
    world.draw = 0;
    const message = new FakeMessage(letter("A"));
    await consumeDeadLetters([message], world);
    expect(message.done).toEqual(["retry 1"]);
  });

  it("stores the others when Postgres refuses one of them", async () => {
    world.fails = (letters) => (letters.some(({ symbol }) => symbol === "BAD") ? rowFault() : null);
    const messages = ["A", "BAD", "B"].map((symbol) => new FakeMessage(letter(symbol)));
    await consumeDeadLetters(messages, world);
    expect(world.stored.map(({ symbol }) => symbol)).toEqual(["A", "B"]);
    expect(donesOf(messages)).toEqual([["ack"], ["ack"], ["ack"]]);
    expect(world.events.filter((event) => event.startsWith("confirm"))).toHaveLength(2);
    expect(errors).toEqual([expect.stringContaining(messages[1]?.id ?? "")]);
  });

  it("acknowledges what is stored when its queue can't be told: it is sent again", async () => {
    world.deaf = true;
    const message = new FakeMessage(letter("A"));
    await consumeDeadLetters([message], world);
    expect(message.done).toEqual(["ack"]);
    expect(world.stored).toHaveLength(1);
  });
});
