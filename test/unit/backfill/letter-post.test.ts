import { describe, expect, it, vi } from "vitest";
import { oneBatch, postLetters } from "../../../src/backfill/letter-post.ts";
import { MAX_HOLE_ERROR, MAX_HOLE_HISTORY } from "../../../src/contracts/backfill.ts";
import type { DeadLetter } from "../../../src/contracts/dead-letter.ts";
import { deadLetter } from "../../support/dead-letters.ts";

/** What one message, and one call, of Cloudflare Queues may have. */
const MESSAGE_BYTES = 128_000;
const BATCH_BYTES = 256_000;

const letters = (count: number, change: Partial<DeadLetter> = {}) =>
  Array.from({ length: count }, (_, index) => deadLetter({ symbol: `A${index}`, ...change }));
const bytesOf = (some: readonly DeadLetter[]) =>
  some.reduce((sum, letter) => sum + new TextEncoder().encode(JSON.stringify(letter)).length, 0);

describe("a batch of letters", () => {
  it("is a hundred small ones, and as many large ones as one call takes", () => {
    expect(oneBatch(letters(150))).toHaveLength(100);
    expect(oneBatch([])).toEqual([]);
    const error = "é".repeat(MAX_HOLE_ERROR);
    const history = Array.from({ length: MAX_HOLE_HISTORY }, (_, at_ms) => ({
      at_ms,
      reason: "malformed" as const,
      error,
    }));
    const large = oneBatch(letters(100, { last_error: error, history }));
    expect(large.length).toBeGreaterThan(10);
    expect(bytesOf(large)).toBeLessThan(BATCH_BYTES);
    expect(bytesOf(large.slice(0, 1))).toBeLessThan(MESSAGE_BYTES);
  });
});

describe("posting letters", () => {
  it("holds back those of a group that is away, and no others", async () => {
    vi.spyOn(console, "warn").mockImplementation(() => {});
    const sent: DeadLetter[] = [];
    const own = [
      ...letters(2, { group: 1 }),
      ...letters(1, { group: 2 }),
      ...letters(1, { interval: "1d", group: 1 }),
    ];
    const posted = await postLetters(own, {
      tellDead: async (group) => {
        if (group === 1) throw new Error("overloaded");
      },
      sendLetters: async (some) => void sent.push(...some),
    });
    expect(posted.map(({ group, interval }) => [group, interval])).toEqual([
      [1, "1d"],
      [2, "1m"],
    ]);
    expect(sent).toEqual(posted);
  });

  it("answers none when the queue is away", async () => {
    vi.spyOn(console, "warn").mockImplementation(() => {});
    const posted = await postLetters(letters(2), {
      tellDead: async () => {},
      sendLetters: async () => await Promise.reject(new Error("Too Many Requests")),
    });
    expect(posted).toEqual([]);
  });
});
