import { exports } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { BackfillQueue } from "../../durable-objects/backfill-queue.ts";
import { estimateSchema, holeSchema, queueSchema } from "../../src/api/backfill-view.ts";
import { groupOf } from "../../src/domain/symbol.ts";
import { DAY_MS, toIso } from "../../src/domain/time.ts";
import { stepMarketClock } from "../../src/platform/clocks.ts";
import {
  api,
  currentSession,
  KEY,
  minute,
  postgres,
  queue,
  SYMBOL_GROUPS,
  useWorld,
} from "./support/world.ts";

useWorld();

async function ask(body: unknown, query = "") {
  const response = await exports.default.fetch(
    new Request(`https://mds.test/ops/backfills${query}`, {
      method: "POST",
      headers: { authorization: `Bearer ${KEY}` },
      body: JSON.stringify(body),
    }),
  );
  return { status: response.status, body: await response.json() };
}

const listSchema = z.object({
  queues: z.array(queueSchema),
  holes: z.array(holeSchema),
  next_page_token: z.string().nullable(),
});
const list = async (query = "") =>
  listSchema.parse(await (await api(`/ops/backfills${query}`)).json());

/** Ten minutes of this test's session, asked for after them. */
function tenMinutes() {
  stepMarketClock(minute(30));
  return { interval: "1m", start: toIso(minute(0)), end: minute(10) };
}

function memberOf(symbol: string, sid: number, tier: "T0" | "T1" | "T2") {
  return { symbol, sid, tier, group: groupOf(symbol, SYMBOL_GROUPS) };
}

/** Queues that start nothing. */
function holdQueues(): void {
  vi.spyOn(BackfillQueue.prototype, "runDue").mockResolvedValue(null);
}

describe("asking for a range", () => {
  it("puts each symbol into the queue of its tier", async () => {
    postgres.members = [
      memberOf("AAPL", 1, "T0"),
      memberOf("MSFT", 2, "T1"),
      memberOf("SPY", 3, "T1"),
    ];
    const asked = await ask({ ...tenMinutes(), symbols: ["AAPL", "SPY", "MSFT"] });
    expect(asked).toMatchObject({
      status: 202,
      body: {
        taken: 3,
        refused: 0,
        tiers: [
          {
            tier: "T0",
            taken: 1,
            refused: 0,
            refused_symbols: [],
            queue: { depth: 1, cap: 5_000 },
          },
          { tier: "T1", taken: 2, refused: 0, queue: { depth: 2 } },
        ],
      },
    });
    const { holes, queues } = await list();
    expect(queues.map(({ tier, depth, pause }) => [tier, depth, pause])).toEqual([
      ["T0", 1, null],
      ["T1", 2, null],
      ["T2", 0, null],
    ]);
    expect(holes.map(({ tier, symbol, priority }) => [tier, symbol, priority])).toEqual([
      ["T0", "AAPL", 0],
      ["T1", "SPY", 1],
      ["T1", "MSFT", 1],
    ]);
    expect(holes[0]).toEqual({
      tier: "T0",
      group: groupOf("AAPL", SYMBOL_GROUPS),
      symbol: "AAPL",
      interval: "1m",
      start: toIso(minute(0)),
      end: toIso(minute(10)),
      priority: 0,
      origin: "ops",
      state: "queued",
      attempts: 0,
      enqueued_at: toIso(minute(30)),
      due_at: toIso(minute(30)),
      last_error: null,
    });
  });

  it("takes a priority, and daily bars; the same again changes nothing", async () => {
    const today = Date.parse(`${currentSession().date}T00:00:00Z`);
    const body = {
      symbols: ["AAPL", "MSFT"],
      interval: "1d",
      start: today - 7 * DAY_MS,
      end: toIso(today),
      priority: 7,
    };
    for (let i = 0; i < 2; i += 1)
      expect(await ask(body)).toMatchObject({ status: 202, body: { taken: 2 } });
    const { holes } = await list("?tier=T0");
    expect(holes.map(({ symbol, interval, priority }) => [symbol, interval, priority])).toEqual([
      ["AAPL", "1d", 7],
      ["MSFT", "1d", 7],
    ]);
  });

  it("is refused by the field for what cannot be filled, and changes nothing", async () => {
    const body = { ...tenMinutes(), symbols: ["AAPL"] };
    for (const [change, field] of [
      [{ symbols: [] }, "symbols"],
      [{ symbols: ["aapl"] }, "symbols.0"],
      [{ symbols: ["AAPL", "NOPE", "NADA"] }, "symbols"],
      [{ interval: "5m" }, "interval"],
      [{ priority: 10 }, "priority"],
      [{ start: "yesterday" }, "start"],
      [{ end: body.start }, "end"],
      [{ end: toIso(minute(31)) }, "end"],
      [{ start: minute(0) + 1 }, "start"],
      [{ start: minute(0) - 731 * DAY_MS }, "start"],
      [{ start: minute(-120), end: minute(-60) }, "start"],
      [{ tier: "T0" }, ""],
    ] as const) {
      const { status, body: answer } = await ask({ ...body, ...change });
      expect([status, field]).toEqual([422, field]);
      expect(answer).toMatchObject({ errors: [{ field }] });
    }
    expect(await ask({ ...body, symbols: ["NOPE"] })).toMatchObject({
      body: { code: "unknown_symbol", symbols: ["NOPE"] },
    });
    expect((await ask(body, "?dry_run=maybe")).status).toBe(422);
    expect((await list()).holes).toEqual([]);
  });

  it("says what a full queue refused, and 409 when nothing was taken", async () => {
    holdQueues();
    const body = { ...tenMinutes(), symbols: ["AAPL", "MSFT", "SPY"] };
    const { cap } = (await list("?tier=T0")).queues[0] ?? { cap: 0 };
    const fill = Array.from({ length: cap - 2 }, (_, index) => ({
      group: 1,
      symbol: "BAC",
      interval: "1m" as const,
      startMs: minute(-20_000 + 2 * index),
      endMs: minute(-20_000 + 2 * index + 1),
      priority: 5,
    }));
    for (let at = 0; at < fill.length; at += 1_000)
      await queue("T0").offer(fill.slice(at, at + 1_000), "gap");
    expect(await ask(body)).toMatchObject({
      status: 202,
      body: { taken: 2, refused: 1, tiers: [{ tier: "T0", refused_symbols: ["SPY"] }] },
    });
    expect(await ask({ ...body, symbols: ["SPY"] })).toMatchObject({
      status: 409,
      body: { code: "queue_full", tiers: [{ tier: "T0", taken: 0, refused_symbols: ["SPY"] }] },
    });
  });
});

describe("a dry run", () => {
  it("says rows, calls, credits and an ETA, and enqueues nothing", async () => {
    postgres.members = [
      memberOf("AAPL", 1, "T0"),
      memberOf("MSFT", 2, "T1"),
      memberOf("SPY", 3, "T1"),
    ];
    const asked = await ask({ ...tenMinutes(), symbols: ["AAPL", "MSFT", "SPY"] }, "?dry_run=true");
    expect(asked.status).toBe(200);
    expect(estimateSchema.parse(asked.body)).toMatchObject({
      provider: "alpaca",
      rows: 30,
      calls: 3,
      credits: 3,
      eta_s: 1,
      tiers: [
        { tier: "T0", symbols: 1, rows: 10, calls: 1, queue: { depth: 0 } },
        { tier: "T1", symbols: 2, rows: 20, calls: 2 },
      ],
    });
    expect((await list()).holes).toEqual([]);
  });
});

describe("the list of holes", () => {
  it("pages through the queues one after the other, without loss or repeat", async () => {
    holdQueues();
    const symbols = ["AAPL", "MSFT", "SPY", "BAC", "ORCL"];
    postgres.members = symbols.map((symbol, index) =>
      memberOf(symbol, index, index < 3 ? "T0" : "T2"),
    );
    await ask({ ...tenMinutes(), symbols });
    const seen: string[] = [];
    let token: string | null = "";
    for (let pages = 0; token !== null && pages < 9; pages += 1) {
      const more: string = token === "" ? "" : `&page_token=${token}`;
      const page = await list(`?limit=2${more}`);
      seen.push(...page.holes.map(({ symbol }) => symbol));
      token = page.next_page_token;
    }
    expect(seen).toEqual(symbols);
    expect((await list("?tier=T2")).holes).toHaveLength(2);
    const { next_page_token: foreign } = await list("?limit=1");
    for (const [query, status] of [
      ["?tier=T9", 422],
      ["?limit=0", 422],
      [`?tier=T0&page_token=${foreign}`, 400],
    ] as const)
      expect((await api(`/ops/backfills${query}`)).status).toBe(status);
  });
});
