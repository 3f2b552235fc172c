import { runInDurableObject } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { createCalendar } from "../../src/domain/calendar.ts";
import { firstKeptDate } from "../../src/domain/retention.ts";
import { MINUTE_MS } from "../../src/domain/time.ts";
import { lastAudit } from "../../src/ingest/plan-audit.ts";
import { api, group, minute, postgres, stepTo, tick, useWorld } from "./support/world.ts";

useWorld();

const { retention } = postgres;
const callsOf = (name: string) => retention.asked.filter((call) => call.startsWith(`${name} `));

/** The duties of the retention that stand in group g00, by when they are due. */
async function dutiesOf() {
  return await runInDurableObject(group(0), (_, state) =>
    state.storage.sql
      .exec<{ name: string; due_ms: number }>(
        "SELECT name, due_ms FROM duty WHERE name LIKE 'task:retention:%'",
      )
      .toArray(),
  );
}

async function droppedTotals(): Promise<string[]> {
  const text = await (await api("/metrics")).text();
  return text.split("\n").filter((line) => line.startsWith("partitions_dropped_total"));
}

describe("the retention", () => {
  it("is run once a trading date by group g00, drops until nothing is left, counts it, packs and keeps hours", async () => {
    retention.drops.bars = [8, 4];
    retention.drops.quotes = [1];
    retention.unpacked = ["2026-01-05", "2026-01-06"];
    retention.withoutHours = ["2026-01-06"];
    await tick(minute(0), [0]);
    const nowMs = minute(0);
    const audited = lastAudit(nowMs, createCalendar()).date;
    const [bars, quotes] = [firstKeptDate(nowMs, 365), firstKeptDate(nowMs, 14)];
    expect(retention.asked).toEqual([
      `keep_from bars ${bars}`,
      ...Array.from({ length: 3 }, () => `drop_expired_bars ${bars}`),
      `keep_from quotes ${quotes}`,
      ...Array.from({ length: 2 }, () => `drop_expired_quotes ${quotes}`),
      `forget_expired ${bars} 2000`,
      `days_to_pack ${audited} 4`,
      "pack_day 2026-01-05",
      "pack_day 2026-01-06",
      `days_to_store_hours ${audited} 20`,
      "begin_storing_hours 2026-01-06",
      "keep hours 2026-01-06",
    ]);
    expect(await droppedTotals()).toEqual([
      'partitions_dropped_total{class="bars"} 12',
      'partitions_dropped_total{class="quotes"} 1',
    ]);
    expect(await dutiesOf()).toEqual([]);
    await tick(minute(1), [0]);
    expect(callsOf("keep_from")).toHaveLength(2);
  });

  it("comes again in some minutes when Postgres was away, or when its steps did not do", async () => {
    postgres.refuses = /keep_from/;
    await tick(minute(0), [0]);
    const [again] = await dutiesOf();
    expect(again?.due_ms).toBe(minute(0) + 5 * MINUTE_MS);
    expect(retention.asked).toEqual([]);
    postgres.refuses = null;
    retention.drops.bars = Array.from({ length: 30 }, () => 8);
    await stepTo(minute(5), [0]);
    expect(callsOf("drop_expired_bars")).toHaveLength(25);
    await stepTo(minute(10), [0]);
    expect(callsOf("drop_expired_bars")).toHaveLength(31);
    expect(callsOf("days_to_pack")).toHaveLength(1);
    expect(await dutiesOf()).toEqual([]);
  });

  it("is done although days could not be packed, nor their hours be kept", async () => {
    postgres.refuses = /pack_day|update stored_hours/;
    retention.unpacked = ["2026-01-05"];
    retention.withoutHours = ["2026-01-05"];
    await tick(minute(0), [0]);
    expect(callsOf("days_to_pack")).toHaveLength(1);
    expect(callsOf("days_to_store_hours")).toHaveLength(1);
    expect(retention.withoutHours).toEqual(["2026-01-05"]);
    expect(await dutiesOf()).toEqual([]);
  });
});
