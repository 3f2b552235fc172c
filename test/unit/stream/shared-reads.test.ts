import { describe, expect, it } from "vitest";
import type { HomePort, LogSlice } from "../../../src/stream/home-port.ts";
import { withSharedReads } from "../../../src/stream/shared-reads.ts";

const refuse = () => Promise.reject(new Error("not asked here"));

/** A home that answers a read when it is let. */
function slowHome() {
  const waiting: ((headFs: number | Error) => void)[] = [];
  const home: HomePort = {
    follow: refuse,
    latestQuotes: refuse,
    latestBars: refuse,
    locate: refuse,
    drainPoint: refuse,
    readLog: () => {
      const { promise, resolve, reject } = Promise.withResolvers<LogSlice>();
      waiting.push((headFs) => {
        if (headFs instanceof Error) reject(headFs);
        else resolve({ epoch: "e", headFs, flushes: [] });
      });
      return promise;
    },
  };
  return { home: withSharedReads(() => home), waiting };
}

describe("reads of a home's log", () => {
  it("that are the same and at the same time are one", async () => {
    const { home, waiting } = slowHome();
    const reads = [home.readLog("bars", 5, 100), home.readLog("bars", 5, 100)];
    const other = home.readLog("bars", 6, 100);
    const quotes = home.readLog("quotes", 5, 100);
    expect(waiting).toHaveLength(3);
    waiting.forEach((answer, place) => answer(place));
    expect((await Promise.all([...reads, other, quotes])).map(({ headFs }) => headFs)).toEqual([
      0, 0, 1, 2,
    ]);
  });

  it("that come after an answer or a failure are made anew", async () => {
    const { home, waiting } = slowHome();
    const first = home.readLog("bars", 5, 100);
    waiting[0]?.(new Error("the home is away"));
    await expect(first).rejects.toThrow("away");
    const second = home.readLog("bars", 5, 100);
    waiting[1]?.(7);
    expect((await second).headFs).toBe(7);
    void home.readLog("bars", 5, 100);
    expect(waiting).toHaveLength(3);
  });
});
