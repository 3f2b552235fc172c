import { createExecutionContext, createMessageBatch, getQueueResult } from "cloudflare:test";
import { env, exports } from "cloudflare:workers";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { BackfillQueue } from "../../durable-objects/backfill-queue.ts";
import { SymbolGroup } from "../../durable-objects/symbol-group.ts";
import { fullLetterSchema, letterSchema } from "../../src/api/letter-view.ts";
import type { DeadLetter } from "../../src/contracts/dead-letter.ts";
import { toIso } from "../../src/domain/time.ts";
import service from "../../src/index.ts";
import { deadLetter } from "../support/dead-letters.ts";
import { api, currentSession, KEY, minute, postgres, useWorld } from "./support/world.ts";

useWorld();

/** Verbs of the queues and groups, as they would be of ones that agree to everything. */
const verbs = {
  takeRequeues: vi.fn<BackfillQueue["takeRequeues"]>(),
  offer: vi.fn<BackfillQueue["offer"]>(),
  confirmDead: vi.fn<BackfillQueue["confirmDead"]>(),
  holesReopened: vi.fn<SymbolGroup["holesReopened"]>(),
  holesGivenUp: vi.fn<SymbolGroup["holesGivenUp"]>(),
};
/** Their names, in the order in which they were called. */
let called: string[] = [];

beforeEach(() => {
  called = [];
  verbs.takeRequeues.mockImplementation((wanted) => ({ granted: wanted, waitMs: 0 }));
  verbs.offer.mockImplementation(async (holes) => ({ taken: holes.length }));
  verbs.confirmDead.mockImplementation(() => {});
  for (const verb of [verbs.holesReopened, verbs.holesGivenUp])
    verb.mockImplementation(async () => {});
  for (const verb of Object.values(verbs)) verb.mockClear();
  const queue = BackfillQueue.prototype;
  vi.spyOn(queue, "takeRequeues").mockImplementation((wanted) => {
    called.push("takeRequeues");
    return verbs.takeRequeues(wanted);
  });
  vi.spyOn(queue, "offer").mockImplementation((...args) => {
    called.push("offer");
    return verbs.offer(...args);
  });
  vi.spyOn(queue, "confirmDead").mockImplementation((deaths) => {
    called.push("confirmDead");
    verbs.confirmDead(deaths);
  });
  const group = SymbolGroup.prototype;
  vi.spyOn(group, "holesReopened").mockImplementation(async (ranges) => {
    called.push("holesReopened");
    await verbs.holesReopened(ranges);
  });
  vi.spyOn(group, "holesGivenUp").mockImplementation(async (ranges) => {
    called.push("holesGivenUp");
    await verbs.holesGivenUp(ranges);
  });
});

const letterOf = (change: Partial<DeadLetter> = {}) =>
  deadLetter({
    start_ms: minute(0),
    end_ms: minute(10),
    enqueued_ms: minute(-60),
    died_ms: minute(-30),
    ...change,
  });

/** Letters come into the database as they do in life: by the Worker's queue handler. */
async function deliver(...bodies: unknown[]) {
  const messages = bodies.map((body, index) => ({
    id: `m${index}`,
    timestamp: 0,
    attempts: 1,
    body,
  }));
  const batch = createMessageBatch("backfill-dlq", messages);
  const context = createExecutionContext();
  await service.queue(batch, env);
  const { explicitAcks, retryMessages } = await getQueueResult(batch, context);
  return { acks: explicitAcks, retries: retryMessages.map(({ msgId }) => msgId) };
}

async function send(method: string, path: string, body?: unknown) {
  const response = await exports.default.fetch(
    new Request(`https://mds.test/ops/dlq${path}`, {
      method,
      headers: { authorization: `Bearer ${KEY}` },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    }),
  );
  return { status: response.status, headers: response.headers, body: await response.json() };
}

const one = z.object({
  letter: fullLetterSchema,
  already_requeued: z.boolean().optional(),
  already_discarded: z.boolean().optional(),
});
const read = async (id: string) =>
  one.parse((await send("GET", `/backfills/${encodeURIComponent(id)}`)).body).letter;
const listSchema = z.object({
  letters: z.array(letterSchema),
  next_page_token: z.string().nullable(),
});
const list = async (query = "") => listSchema.parse((await send("GET", `/backfills${query}`)).body);

describe("the queue handler", () => {
  it("stores letters, confirms them to their queue, and lets go of what is none", async () => {
    const letter = letterOf();
    vi.spyOn(console, "error").mockImplementation(() => {});
    expect(await deliver(letter, { v: 0 })).toEqual({ acks: ["m0", "m1"], retries: [] });
    expect(verbs.confirmDead).toHaveBeenCalledWith([{ id: letter.id, diedMs: letter.died_ms }]);
    expect(postgres.letters.rows.size).toBe(1);
  });

  it("asks for the letters again while the database is away", async () => {
    postgres.away = true;
    expect(await deliver(letterOf())).toEqual({ acks: [], retries: ["m0"] });
    expect(called).toEqual([]);
    postgres.away = false;
    expect(await deliver(letterOf())).toEqual({ acks: ["m0"], retries: [] });
  });
});

describe("reading dead letters", () => {
  it("shows one with its history, and 404 for what there is not", async () => {
    const letter = letterOf();
    await deliver(letter);
    expect(await read(letter.id)).toEqual({
      id: letter.id,
      status: "dead",
      tier: "T0",
      group: 7,
      symbol: "AAPL",
      interval: "1m",
      start: toIso(minute(0)),
      end: toIso(minute(10)),
      priority: 0,
      attempts: 2,
      reason: "implausible",
      last_error: "too few bars",
      note: null,
      enqueued_at: toIso(minute(-60)),
      died_at: toIso(minute(-30)),
      updated_at: toIso(currentSession().openMs),
      history: [
        { at: toIso(minute(-31)), reason: "malformed", error: "not JSON" },
        { at: toIso(minute(-30)), reason: "implausible", error: "too few bars" },
      ],
    });
    for (const id of ["T0:NOPE", "%00", "%C3%A9", "x".repeat(101)])
      expect(await send("GET", `/backfills/${id}`)).toMatchObject({
        status: 404,
        body: { code: "unknown_letter" },
      });
  });

  it("pages through a list without loss or repeat, filtered", async () => {
    const symbols = ["A", "B", "C", "D", "E"];
    await deliver(...symbols.map((symbol) => letterOf({ symbol })));
    await deliver(
      letterOf({ symbol: "X", tier: "T1" }),
      letterOf({ symbol: "Y", reason: "unserved" }),
    );
    const seen: string[] = [];
    let token: string | null = "";
    for (let pages = 0; token !== null && pages < 9; pages += 1) {
      const more: string = token === "" ? "" : `&page_token=${token}`;
      const page = await list(`?tier=T0&reason=implausible&limit=2${more}`);
      seen.push(...page.letters.map(({ symbol }) => symbol));
      token = page.next_page_token;
    }
    expect(seen.toSorted()).toEqual(symbols);
    expect((await list("?status=requeued")).letters).toEqual([]);
    const { next_page_token: foreign } = await list("?limit=1");
    for (const [query, status] of [
      ["?tier=T9", 422],
      ["?status=done", 422],
      [`?tier=T0&page_token=${foreign}`, 400],
    ] as const)
      expect((await send("GET", `/backfills${query}`)).status).toBe(status);
  });

  it("counts the dead", async () => {
    await deliver(letterOf(), letterOf({ symbol: "B", tier: "T1", reason: "unserved" }));
    expect((await send("GET", "/stats")).body).toMatchObject({
      total: 2,
      by_tier: { T0: 1, T1: 1, T2: 0 },
      by_reason: { implausible: 1, unserved: 1, malformed: 0 },
      by_age: { under_1h: 2, older: 0 },
      oldest_died_at: toIso(minute(-30)),
    });
  });

  it("is a metric by tier, absent while the database is away", async () => {
    await deliver(letterOf());
    const text = await (await api("/metrics")).text();
    for (const sample of ['dlq_depth{tier="T0"} 1', 'dlq_depth{tier="T1"} 0'])
      expect(text).toContain(sample);
    postgres.away = true;
    const without = await api("/metrics");
    expect(without.status).toBe(200);
    expect(await without.text()).not.toContain("dlq_depth{");
  });

  it("needs a key", async () => {
    expect((await api("/ops/dlq/backfills", {})).status).toBe(401);
  });
});

describe("requeueing a letter", () => {
  const requeue = async (id: string) => await send("POST", `/backfills/requeue/${id}`);

  it("asks for leave, offers the hole, tells its group, and then marks the letter", async () => {
    const letter = letterOf();
    await deliver(letter);
    called = [];
    const answer = await requeue(letter.id);
    expect(answer.status).toBe(200);
    expect(one.parse(answer.body)).toMatchObject({
      already_requeued: false,
      letter: { status: "requeued" },
    });
    expect(called).toEqual(["takeRequeues", "offer", "holesReopened"]);
    const range = { symbol: "AAPL", startMs: minute(0), endMs: minute(10) };
    expect(verbs.holesReopened).toHaveBeenCalledWith([range]);
    const hole = { ...range, group: 7, interval: "1m", priority: 0 };
    expect(verbs.offer).toHaveBeenCalledWith([hole], "requeue");
  });

  it("a second time does nothing and says so", async () => {
    const letter = letterOf();
    await deliver(letter);
    await requeue(letter.id);
    called = [];
    expect(one.parse((await requeue(letter.id)).body).already_requeued).toBe(true);
    expect(called).toEqual([]);
  });

  it.each([
    [
      "the queue gives no leave",
      429,
      "too_many_requeues",
      () => {
        verbs.takeRequeues.mockResolvedValue({ granted: 0, waitMs: 6_100 });
      },
    ],
    [
      "the queue is full",
      409,
      "queue_full",
      () => {
        verbs.offer.mockResolvedValue({ taken: 0 });
      },
    ],
    [
      "its group is away",
      503,
      "unavailable",
      () => {
        verbs.holesReopened.mockRejectedValue(new Error("overloaded"));
      },
    ],
  ])("changes nothing when %s", async (_, status, code, happen) => {
    const letter = letterOf();
    await deliver(letter);
    happen();
    const answer = await requeue(letter.id);
    expect(answer).toMatchObject({ status, body: { code } });
    if (status === 429) expect(answer.headers.get("retry-after")).toBe("7");
    expect(await read(letter.id)).toMatchObject({ status: "dead" });
  });

  it("can be repeated after a crash before it was marked", async () => {
    const letter = letterOf();
    await deliver(letter);
    postgres.refuses = /update backfill_jobs/;
    expect((await requeue(letter.id)).status).toBe(503);
    expect(await read(letter.id)).toMatchObject({ status: "dead" });
    postgres.refuses = null;
    expect((await requeue(letter.id)).status).toBe(200);
    expect(await read(letter.id)).toMatchObject({ status: "requeued" });
  });

  it("does not touch a letter that died again meanwhile", async () => {
    const letter = letterOf();
    await deliver(letter);
    verbs.holesReopened.mockImplementation(async () => {
      await deliver({ ...letter, died_ms: minute(-1) });
    });
    expect(one.parse((await requeue(letter.id)).body)).toMatchObject({
      already_requeued: false,
      letter: { status: "dead", died_at: toIso(minute(-1)) },
    });
  });

  it("refuses a discarded one, and one that there is not", async () => {
    const letter = letterOf();
    await deliver(letter);
    await send("DELETE", `/backfills/${letter.id}`);
    expect(await requeue(letter.id)).toMatchObject({ status: 409, body: { code: "not_dead" } });
    expect((await requeue("nope")).status).toBe(404);
  });
});

describe("requeueing all letters of a tier", () => {
  const requeueAll = async (query: string) => await send("POST", `/backfills/requeue-all${query}`);
  const symbols = ["A", "B", "C", "D"];
  const deliverAll = async () =>
    await deliver(
      ...symbols.map((symbol, index) => letterOf({ symbol, died_ms: minute(-index - 1) })),
      letterOf({ symbol: "X", tier: "T1" }),
    );

  it("takes as many as it has leave for, the oldest death first, and says what is left", async () => {
    await deliverAll();
    verbs.takeRequeues.mockResolvedValue({ granted: 3, waitMs: 4_000 });
    expect(await requeueAll("?tier=T0")).toMatchObject({
      status: 200,
      body: { requeued: 3, left: 1, retry_after_s: 4, queue_full: false },
    });
    expect(verbs.takeRequeues).toHaveBeenCalledWith(4);
    expect((await list()).letters.map(({ symbol }) => symbol)).toEqual(["A", "X"]);
    expect((await requeueAll("?tier=T0")).body).toMatchObject({ requeued: 1, left: 0 });
    expect((await requeueAll("?tier=T0")).body).toEqual({
      requeued: 0,
      left: 0,
      retry_after_s: null,
      queue_full: false,
    });
  });

  it("marks those that found a place when the queue fills up", async () => {
    await deliverAll();
    verbs.offer.mockResolvedValue({ taken: 1 });
    expect((await requeueAll("?tier=T0")).body).toMatchObject({
      requeued: 1,
      left: 3,
      queue_full: true,
    });
    verbs.offer.mockResolvedValue({ taken: 0 });
    expect(await requeueAll("?tier=T0")).toMatchObject({
      status: 409,
      body: { code: "queue_full" },
    });
  });

  it("is for one tier that exists", async () => {
    for (const query of ["", "?tier=T7"]) expect((await requeueAll(query)).status).toBe(422);
  });
});

describe("discarding a letter", () => {
  const discard = async (id: string) => await send("DELETE", `/backfills/${id}`);

  it("gives the minutes up first, keeps the letter marked, and a second time does nothing", async () => {
    const letter = letterOf();
    await deliver(letter);
    expect(one.parse((await discard(letter.id)).body)).toMatchObject({
      already_discarded: false,
      letter: { status: "discarded" },
    });
    const range = { symbol: "AAPL", startMs: minute(0), endMs: minute(10) };
    expect(verbs.holesGivenUp.mock.calls).toEqual([[[range]]]);
    expect(one.parse((await discard(letter.id)).body).already_discarded).toBe(true);
    expect(verbs.holesGivenUp).toHaveBeenCalledTimes(1);
    expect((await list("?status=discarded")).letters).toHaveLength(1);
  });

  it("leaves the letter dead when its group does not answer", async () => {
    const letter = letterOf();
    await deliver(letter);
    verbs.holesGivenUp.mockRejectedValueOnce(new Error("overloaded"));
    expect((await discard(letter.id)).status).toBe(503);
    expect(await read(letter.id)).toMatchObject({ status: "dead" });
    expect((await discard(letter.id)).status).toBe(200);
  });

  it("tells no group of a daily bar, and refuses a letter that was requeued", async () => {
    const start_ms = Date.UTC(2026, 2, 20);
    const daily = letterOf({ interval: "1d", start_ms, end_ms: start_ms + 86_400_000 });
    await deliver(daily, letterOf());
    expect((await discard(daily.id)).status).toBe(200);
    expect(verbs.holesGivenUp).not.toHaveBeenCalled();
    await send("POST", `/backfills/requeue/${letterOf().id}`);
    expect(await discard(letterOf().id)).toMatchObject({
      status: 409,
      body: { code: "not_dead", status: "requeued" },
    });
  });
});

const faultsOf = (body: unknown) =>
  z
    .object({ errors: z.array(z.object({ field: z.string(), message: z.string() })) })
    .parse(body)
    .errors.map(({ field }) => field);

describe("editing a letter", () => {
  const edit = async (body: unknown, id = letterOf().id) =>
    await send("PATCH", `/backfills/${id}`, body);

  it("changes what is named and leaves the rest", async () => {
    await deliver(letterOf());
    const answer = await edit({ priority: 9, note: " ask them ", end: toIso(minute(4)) });
    expect(one.parse(answer.body).letter).toMatchObject({
      priority: 9,
      note: "ask them",
      start: toIso(minute(0)),
      end: toIso(minute(4)),
    });
    expect(one.parse((await edit({ note: null })).body).letter).toMatchObject({
      priority: 9,
      note: null,
      end: toIso(minute(4)),
    });
  });

  it("names every fault by its field", async () => {
    await deliver(letterOf());
    const wrong = await edit({ priority: 10, note: "x".repeat(501), start: "now", colour: 1 });
    expect(wrong.status).toBe(422);
    expect(new Set(faultsOf(wrong.body))).toEqual(new Set(["priority", "note", "start", ""]));
    const outside = await edit({ start: toIso(minute(-1)), end: toIso(minute(11) + 1) });
    expect(outside).toMatchObject({ status: 422, body: { code: "invalid_range" } });
    expect(faultsOf(outside.body)).toEqual(["start", "end", "end"]);
    expect(faultsOf((await edit({ start: toIso(minute(10)) })).body)).toEqual(["end"]);
    expect((await edit({})).status).toBe(422);
    expect((await edit({ note: "a\0b" })).status).toBe(422);
    expect(await read(letterOf().id)).toMatchObject({ priority: 0, note: null });
  });

  it("is for dead letters only", async () => {
    await deliver(letterOf());
    await send("POST", `/backfills/requeue/${letterOf().id}`);
    expect(await edit({ priority: 1 })).toMatchObject({ status: 409, body: { code: "not_dead" } });
    expect((await edit({ priority: 1 }, "nope")).status).toBe(404);
  });
});

describe("the description of the API", () => {
  it("has every route about dead letters", async () => {
    const { paths } = z
      .object({ paths: z.record(z.string(), z.record(z.string(), z.unknown())) })
      .parse(await (await api("/openapi.json")).json());
    const verbsOf = (path: string) => Object.keys(paths[`/ops/dlq${path}`] ?? {}).toSorted();
    expect(verbsOf("/backfills")).toEqual(["get"]);
    expect(verbsOf("/backfills/{id}")).toEqual(["delete", "get", "patch"]);
    expect(verbsOf("/backfills/requeue/{id}")).toEqual(["post"]);
    expect(verbsOf("/backfills/requeue-all")).toEqual(["post"]);
    expect(verbsOf("/stats")).toEqual(["get"]);
  });
});
