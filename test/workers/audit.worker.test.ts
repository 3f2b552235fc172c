import { env, exports } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { SymbolGroup } from "../../durable-objects/symbol-group.ts";
import { createCalendar } from "../../src/domain/calendar.ts";
import { groupAuditSchema } from "../../src/contracts/audit.ts";
import { MINUTE_MS } from "../../src/domain/time.ts";
import { stepMarketClock } from "../../src/platform/clocks.ts";
import { sloMonitorStub } from "../../src/platform/stubs.ts";
import {
  AAPL_GROUP,
  afterAnswering,
  alpaca,
  answerOf,
  api,
  currentSession,
  group,
  ingestMinute,
  KEY,
  load,
  minute,
  MSFT_GROUP,
  outcomeOf,
  postgres,
  stepTo,
  tick,
  useWorld,
} from "./support/world.ts";

const G = AAPL_GROUP;
/** The group of all cross-group duties. */
const SERVICE = 0;
useWorld();

const verifiedSchema = z.object({
  date: z.string(),
  symbol_groups: z.number(),
  clean: z.boolean(),
  groups: z.array(groupAuditSchema),
});
const NONE = {
  missing_in_postgres: 0,
  differs: 0,
  revision: 0,
  unknown_to_group: 0,
  unknown_hole: 0,
};

async function post(body: unknown) {
  const headers = { authorization: `Bearer ${KEY}` };
  const init = { method: "POST", headers, body: JSON.stringify(body) };
  return await exports.default.fetch(new Request("https://mds.test/ops/verify", init));
}
async function verify(change: { repair?: boolean; date?: string } = {}) {
  const response = await post({ groups: [G], ...change });
  expect(response.status).toBe(200);
  const answer = verifiedSchema.parse(await response.json());
  const [own] = answer.groups;
  if (own === undefined) throw new Error("no group");
  return { ...own, clean: answer.clean };
}
/** Four minutes of two symbols in the group's beliefs and in Postgres; the providers have the same bars. */
async function playFourMinutes(): Promise<void> {
  await load([G]);
  for (let index = 0; index < 4; index += 1)
    await ingestMinute(G, index, { AAPL: 100 + index, ORCL: 50 + index });
  const [first, second] = [minute(0), minute(4)];
  alpaca.at = (symbol, ts) =>
    ts < first || ts >= second ? null : (symbol === "AAPL" ? 100 : 50) + (ts - first) / MINUTE_MS;
}
const rowsAt = (symbol: string, index: number) =>
  postgres
    .rows(G)
    .filter((row) => row.symbol === symbol && row.ts === minute(index))
    .map(({ close, revision, status }) => [close, revision, status]);
const deleteByHand = (symbol: string, index: number, revision = 0) =>
  postgres.audit.deleted.add(`${symbol} ${minute(index)} ${revision}`);
const gapsOf = (symbol: string) =>
  (postgres.flushes.get(G) ?? [])
    .flatMap(({ gaps }) => gaps)
    .filter(([name]) => name === symbol)
    .map(([, fromMs, , kind]) => [(fromMs - minute(0)) / MINUTE_MS, kind]);

describe("an audit", () => {
  it("finds nothing where Postgres has what the group believes", async () => {
    await playFourMinutes();
    expect(await verify()).toEqual({
      group: G,
      state: "audited",
      symbols: 2,
      bars_believed: 8,
      bars_stored: 8,
      differences: NONE,
      examples: [],
      repaired: 0,
      is_cut: false,
      clean: true,
    });
  });

  it("finds a deleted bar, which is fetched again under the next revision; then all is well", async () => {
    await playFourMinutes();
    deleteByHand("AAPL", 1);
    const found = { ...NONE, missing_in_postgres: 1 };
    expect(await verify()).toMatchObject({
      clean: false,
      differences: found,
      repaired: 0,
      examples: [{ kind: "missing_in_postgres", symbol: "AAPL" }],
    });
    expect(gapsOf("AAPL")).toEqual([]);

    expect(await verify({ repair: true })).toMatchObject({ differences: found, repaired: 1 });
    await stepTo(minute(5), [G]);
    await stepTo(minute(6), [G]);
    expect(rowsAt("AAPL", 1)).toEqual([
      [101, 0, "first"],
      [101, 1, "updated"],
    ]);
    expect(gapsOf("AAPL")).toEqual([
      [1, "open"],
      [1, "filled"],
    ]);
    expect(await verify({ repair: true })).toMatchObject({ clean: true, repaired: 0 });
  });

  it("asks again for a bar that was changed by hand, above the number that this got", async () => {
    await playFourMinutes();
    const ts = minute(2);
    postgres.audit.handMade.push({ symbol: "AAPL", ts, close: 1, revision: 1 });
    expect((await verify({ repair: true })).differences).toEqual({ ...NONE, differs: 1 });
    // It is known to be lost now: no second difference.
    expect(await verify()).toMatchObject({ differences: NONE });
    await stepTo(minute(5), [G]);
    await stepTo(minute(6), [G]);
    expect(rowsAt("AAPL", 2)).toEqual([
      [102, 0, "first"],
      [102, 2, "updated"],
    ]);
    expect((await verify()).clean).toBe(true);
  });

  it("takes over a revision number that is ahead, and leaves a bar of somebody else to a person", async () => {
    await playFourMinutes();
    postgres.audit.handMade.push(
      { symbol: "AAPL", ts: minute(2), close: 102, revision: 3 },
      { symbol: "ORCL", ts: minute(9), close: 7, revision: 0 },
    );
    const both = { ...NONE, revision: 1, unknown_to_group: 1 };
    expect(await verify({ repair: true })).toMatchObject({ differences: both, repaired: 1 });
    expect(await verify({ repair: true })).toMatchObject({
      differences: { ...NONE, unknown_to_group: 1 },
      repaired: 0,
    });
    expect(gapsOf("AAPL").concat(gapsOf("ORCL"))).toEqual([]);
  });

  it("opens a hole that only Postgres has, and lets an answer without a bar close it", async () => {
    await load([G]);
    stepMarketClock(minute(6));
    const closes = { AAPL: { 0: 100, 1: 101, 2: 102 }, ORCL: { 0: 50, 2: 52 } };
    const late = { fromIndex: 0, toIndex: 3, askedAt: minute(6) };
    await group(G).ingest("test", outcomeOf(answerOf(closes, late)));
    await group(G).runUntilQuiet();
    alpaca.at = (symbol, ts) => (symbol === "AAPL" && ts < minute(3) ? 100 : null);
    expect((await verify()).clean).toBe(true);
    postgres.audit.holes.push({ symbol: "ORCL", startMs: minute(1), endMs: minute(2) });
    const found = { ...NONE, unknown_hole: 1 };
    expect(await verify({ repair: true })).toMatchObject({ differences: found, repaired: 1 });
    await stepTo(minute(7), [G]);
    await stepTo(minute(8), [G]);
    expect(gapsOf("ORCL").slice(0, 2)).toEqual([
      [1, "open"],
      [1, "filled"],
    ]);
  });

  it("counts no flush that has yet to arrive, and nothing that came in while it looked", async () => {
    await playFourMinutes();
    postgres.away = true;
    await ingestMinute(G, 4, { AAPL: 104, ORCL: 54 });
    postgres.away = false;
    expect(await verify()).toMatchObject({ state: "undrained", differences: NONE, clean: false });
    expect(postgres.audit.asked).toBe(0);
    await stepTo(minute(7), [G]);
    await stepTo(minute(8), [G]);
    expect((await verify()).clean).toBe(true);

    deleteByHand("AAPL", 1);
    let index = 8;
    afterAnswering("auditSums", async () => {
      if (index === 8) await ingestMinute(G, index, { AAPL: 108, ORCL: 58 });
      index += 1;
    });
    expect(await verify()).toMatchObject({
      state: "audited",
      bars_believed: 12,
      bars_stored: 11,
      differences: { ...NONE, missing_in_postgres: 1 },
    });
    expect(index).toBe(10);
  });

  it("does not audit what it has forgotten, and names a group that does not answer", async () => {
    await playFourMinutes();
    const window = { startMs: minute(0) - 30 * 86_400_000, endMs: minute(0) - 29 * 86_400_000 };
    expect(await group(G).auditSums(window)).toEqual({ state: "forgotten" });
    vi.spyOn(SymbolGroup.prototype, "auditSums").mockImplementation(() => {
      throw new Error("the object was reset");
    });
    expect(await verify()).toMatchObject({ state: "unavailable", clean: false });
  });
});

/** What the service made of audits by itself. */
const lastSchema = z.object({
  audits: z.array(
    z.object({
      date: z.string(),
      audited: z.number(),
      failed_groups: z.array(z.number()),
      differences: z.record(z.string(), z.number()),
      repaired: z.number(),
    }),
  ),
});
async function lastAudits() {
  return lastSchema.parse(await (await api("/ops/verify")).json()).audits;
}
const counted = async (kind: string) =>
  new RegExp(`^audit_differences_total\\{kind="${kind}"\\} (.+)$`, "m").exec(
    await (await api("/metrics")).text(),
  )?.[1];

describe("audits that the service makes by itself", () => {
  it("go over the session that has settled, once a trading date, and mend what they find", async () => {
    await playFourMinutes();
    deleteByHand("ORCL", 3);
    const next = createCalendar().nextSession(currentSession().closeMs);
    const dueMs = next.openMs - 2 * 60 * MINUTE_MS;
    const isOurs = ({ date }: { readonly date: string }) => date === currentSession().date;
    await tick(dueMs - MINUTE_MS, [SERVICE]);
    expect((await lastAudits()).filter(isOurs)).toEqual([]);
    await tick(dueMs, [SERVICE]);
    expect((await lastAudits()).filter(isOurs)).toEqual([
      {
        date: currentSession().date,
        audited: 32,
        failed_groups: [],
        differences: { ...NONE, missing_in_postgres: 1 },
        repaired: 1,
      },
    ]);
    expect(await counted("missing_in_postgres")).toBe("1");
    await tick(dueMs + MINUTE_MS, [SERVICE]);
    expect((await lastAudits()).filter(isOurs)).toHaveLength(1);
    await stepTo(dueMs + 2 * MINUTE_MS, [G]);
    await stepTo(dueMs + 3 * MINUTE_MS, [G]);
    expect(rowsAt("ORCL", 3)).toEqual([
      [53, 0, "first"],
      [53, 1, "updated"],
    ]);
  });

  it("try a group again that did not answer, and that one alone", async () => {
    await playFourMinutes();
    await tick(minute(5), [SERVICE]);
    const spy = vi.spyOn(SymbolGroup.prototype, "auditSums");
    spy.mockImplementationOnce(() => {
      throw new Error("the object was reset");
    });
    await group(SERVICE).askAudit(currentSession().date, [G, MSFT_GROUP]);
    await stepTo(minute(6), [SERVICE]);
    // Both are asked at once: which call arrives first is nobody's promise.
    expect((await lastAudits())[0]).toMatchObject({
      audited: 1,
      failed_groups: [expect.any(Number)],
    });
    await stepTo(minute(8), [SERVICE]);
    expect((await lastAudits())[0]).toMatchObject({ audited: 1, failed_groups: [] });
    expect(spy).toHaveBeenCalledTimes(3);
  });

  it("are asked for by the monitor when a bar lacks, each ten minutes at most: it heals by itself", async () => {
    await playFourMinutes();
    await tick(minute(4), [SERVICE]);
    const asked = vi.spyOn(SymbolGroup.prototype, "askAudit");
    deleteByHand("AAPL", 0);
    const lacks = { AAPL: minute(0) };
    postgres.slo.levels.set("T0 1m", { symbols: ["AAPL"], lacks, completeBeforeMs: minute(0) });
    const before = (await lastAudits()).length;
    for (const ms of [minute(6), minute(7), minute(8)]) {
      stepMarketClock(ms);
      await sloMonitorStub(env).runDue();
      await stepTo(ms + 1_000, [SERVICE, G]);
    }
    expect(asked).toHaveBeenCalledTimes(3);
    expect(await lastAudits()).toHaveLength(before + 1);
    expect(rowsAt("AAPL", 0)).toEqual([
      [100, 0, "first"],
      [100, 1, "updated"],
    ]);
    stepMarketClock(minute(17));
    await sloMonitorStub(env).runDue();
    await stepTo(minute(17) + 1_000, [SERVICE]);
    expect(await lastAudits()).toHaveLength(before + 2);
  });
});

describe("POST /ops/verify", () => {
  it("audits every group of the last session unless it is told which", async () => {
    await playFourMinutes();
    const answer = verifiedSchema.parse(await (await post({})).json());
    expect(answer).toMatchObject({ date: currentSession().date, symbol_groups: 32, clean: true });
    expect(answer.groups.map((audit) => audit.group)).toEqual(
      Array.from({ length: 32 }, (_, i) => i),
    );
  });

  it("refuses what is no session, lies ahead, or is older than the beliefs, by field", async () => {
    await playFourMinutes();
    const { openMs } = currentSession();
    const dateOf = (days: number) =>
      new Date(openMs + days * 86_400_000).toISOString().slice(0, 10);
    const ahead = createCalendar().nextSession(openMs + 86_400_000).date;
    for (const [body, field] of [
      [{ date: "2026-01-01" }, "date"],
      [{ date: "yesterday" }, "date"],
      [{ date: ahead }, "date"],
      [{ date: createCalendar().previousSession(openMs - 20 * 86_400_000).date }, "date"],
      [{ groups: [32] }, "groups"],
      [{ groups: [] }, "groups"],
      [{ repair: "yes" }, "repair"],
      [{ day: dateOf(0) }, ""],
    ] as const) {
      const response = await post(body);
      const { errors } = z
        .object({ errors: z.array(z.object({ field: z.string() })) })
        .parse(await response.json());
      expect([response.status, errors.map((error) => error.field)]).toEqual([422, [field]]);
    }
    expect((await api("/ops/verify", {})).status).toBe(401);
  });
});
