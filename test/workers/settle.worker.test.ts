import { describe, expect, it } from "vitest";
import { createCalendar } from "../../src/domain/calendar.ts";
import { MINUTE_MS } from "../../src/domain/time.ts";
import {
  AAPL_GROUP,
  alpaca,
  currentSession,
  group,
  ingestMinute,
  load,
  minute,
  polygon,
  postgres,
  stepTo,
  tick,
  useWorld,
} from "./support/world.ts";

useWorld();

const G = AAPL_GROUP;
const SETTLE_AFTER_CLOSE_MS = 20 * MINUTE_MS;

/** Runs whatever is due up to an instant, one due time after the other. */
async function runUntil(ms: number): Promise<void> {
  for (let steps = 0; steps < 200; steps += 1) {
    const dueMs = await group(G).runUntilQuiet();
    if (dueMs === null || dueMs > ms) break;
    await stepTo(dueMs, [G]);
  }
  await stepTo(ms, [G]);
}

function closesOf(symbol: string): number[] {
  return postgres
    .rows(G)
    .filter((row) => row.symbol === symbol && row.ts === minute(0))
    .map((row) => row.close);
}

describe("the settle pass", () => {
  it("comes again when nobody could be asked, and takes the correction then", async () => {
    await load([G]);
    await ingestMinute(G, 0, { AAPL: 100, ORCL: 50 });
    for (const provider of [alpaca, polygon]) provider.mood = { kind: "status", status: 502 };
    const { closeMs } = currentSession();
    await tick(closeMs + 5 * MINUTE_MS, [G]);
    await runUntil(closeMs + SETTLE_AFTER_CLOSE_MS);
    expect(closesOf("AAPL")).toEqual([100]);

    for (const provider of [alpaca, polygon]) {
      provider.mood = { kind: "bars" };
      provider.at = (symbol, ts) => (ts === minute(0) ? (symbol === "AAPL" ? 101 : 50) : null);
    }
    await runUntil(closeMs + SETTLE_AFTER_CLOSE_MS + 15 * MINUTE_MS);
    expect(closesOf("AAPL")).toEqual([100, 101]);
  });

  it("is made up for when no tick saw the close", async () => {
    await load([G]);
    await ingestMinute(G, 0, { AAPL: 100, ORCL: 50 });
    alpaca.at = (symbol, ts) => (ts === minute(0) && symbol === "AAPL" ? 102 : null);
    const next = createCalendar().nextSession(currentSession().closeMs);
    await tick(next.openMs, [G]);
    await runUntil(next.openMs + MINUTE_MS);
    expect(closesOf("AAPL")).toEqual([100, 102]);
  });
});
