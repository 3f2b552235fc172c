import { env } from "cloudflare:workers";
import { afterEach, beforeEach } from "vitest";
import type { OfferedHole } from "../../../src/contracts/backfill.ts";
import { type DeadLetter, deadLetterSchema } from "../../../src/contracts/dead-letter.ts";
import { AAPL_GROUP, group, minute, queue, stepTo } from "./world.ts";

/** A hole of minutes `[from, to)` of this test's session. */
export function holeOf(from: number, to: number, change: Partial<OfferedHole> = {}): OfferedHole {
  const range = { startMs: minute(from), endMs: minute(to) };
  return { group: AAPL_GROUP, symbol: "AAPL", interval: "1m", priority: 0, ...range, ...change };
}

/** Catches the letters of this file's tests on their way to the queue of dead letters. */
export function catchLetters(): DeadLetter[] {
  const letters: DeadLetter[] = [];
  beforeEach(() => {
    letters.length = 0;
    const sender = Reflect.getPrototypeOf(env.BACKFILL_DLQ);
    if (sender === null) throw new TypeError("the queue has no class");
    const real: unknown = Reflect.get(sender, "sendBatch");
    Reflect.set(sender, "sendBatch", async (messages: Iterable<{ body: unknown }>) => {
      for (const { body } of messages) letters.push(deadLetterSchema.parse(body));
    });
    restore = () => Reflect.set(sender, "sendBatch", real);
  });
  afterEach(() => {
    restore();
  });
  return letters;
}
let restore: () => unknown = () => {};

/** Runs a group and the queue of T0 up to an instant, one due time after the other. */
export async function playUntil(ms: number, number = AAPL_GROUP): Promise<void> {
  for (let steps = 0; steps < 500; steps += 1) {
    const due = [await group(number).runUntilQuiet(), await queue("T0").runUntilQuiet()];
    const nextMs = Math.min(...due.filter((atMs) => atMs !== null));
    if (nextMs > ms) break;
    await stepTo(nextMs, [number]);
  }
  await stepTo(ms, [number]);
}
