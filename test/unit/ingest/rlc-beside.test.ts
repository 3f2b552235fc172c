import { describe, expect, it } from "vitest";
import type { OfferedHole } from "../../../src/contracts/backfill.ts";
import { jobSchema } from "../../../src/contracts/jobs.ts";
import type { Tier } from "../../../src/domain/tier.ts";
import { DAY_MS } from "../../../src/domain/time.ts";
import { doBeside } from "../../../src/ingest/rlc-beside.ts";

const START_MS = Date.UTC(2026, 2, 19);
const TIERS_OF = new Map<string, Tier>([
  ["AAPL", "T0"],
  ["XYZ", "T2"],
]);
const range = { interval: "1d", start_ms: START_MS, end_ms: START_MS + DAY_MS };
const jobOf = (change: object) =>
  jobSchema.parse({ v: 1, id: "j", symbols: ["AAPL", "XYZ", "NONE"], ...change });

async function run(job: object, script: { room?: number; open?: number; serves?: boolean } = {}) {
  const offered: [Tier, OfferedHole[]][] = [];
  const swept: string[][] = [];
  const answer = await doBeside(jobOf(job), {
    symbolGroups: 32,
    readTiers: async (symbols) =>
      new Map(
        symbols.flatMap((symbol) => {
          const tier = TIERS_OF.get(symbol);
          return tier === undefined ? [] : [[symbol, tier] as const];
        }),
      ),
    offer: async (tier, holes) => {
      offered.push([tier, [...holes]]);
      return Math.min(holes.length, script.room ?? holes.length);
    },
    servesQuotes: script.serves ?? true,
    sweepQuotes: async (symbols) => {
      swept.push([...symbols]);
      return script.open ?? 0;
    },
  });
  return { answer, offered, swept };
}

describe("a coordinator's job that is no poll", () => {
  it("for daily bars goes to the queue of each known symbol's tier, and is done when they have it", async () => {
    const { answer, offered } = await run({ type: "bars", ...range });
    expect(answer).toEqual({ id: "j", nack: null });
    expect(offered.map(([tier, holes]) => [tier, holes.map(({ symbol }) => symbol)])).toEqual([
      ["T0", ["AAPL"]],
      ["T2", ["XYZ"]],
    ]);
    expect(offered[0]?.[1][0]).toMatchObject({ interval: "1d", startMs: START_MS, priority: 0 });
  });

  it("for a backfill goes to the queue that it names, with its priority", async () => {
    const { offered } = await run({ type: "backfill", tier: "T1", ...range });
    expect(offered).toMatchObject([["T1", [{ symbol: "AAPL", priority: 1 }, { symbol: "XYZ" }]]]);
  });

  it("comes back when a queue has no room for all of it", async () => {
    const { answer } = await run({ type: "backfill", tier: "T1", ...range }, { room: 1 });
    expect(answer.nack).toMatchObject({ reason: "queue_full", retry_after_ms: 60_000 });
  });

  it("for quotes is done at once, or comes back when symbols were not answered", async () => {
    const done = await run({ type: "quotes" });
    expect([done.answer.nack, done.swept]).toEqual([null, [["AAPL", "XYZ"]]]);
    const open = await run({ type: "quotes" }, { open: 1 });
    expect(open.answer.nack).toMatchObject({ reason: "unanswered", retry_after_ms: 15_000 });
  });

  it("is refused for good when nobody serves it", async () => {
    for (const { answer } of [
      await run({ type: "quotes" }, { serves: false }),
      await run({ type: "quotes", symbols: ["NONE"] }),
    ])
      expect(answer.nack).toMatchObject({ reason: "unserved", retry_after_ms: null });
  });
});
