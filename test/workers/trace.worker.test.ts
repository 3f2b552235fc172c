import {
  createExecutionContext,
  createScheduledController,
  runInDurableObject,
  waitOnExecutionContext,
} from "cloudflare:test";
import { env, exports } from "cloudflare:workers";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { MetricsHub } from "../../durable-objects/metrics-hub.ts";
import type { StoredTrace, TraceBatch, TraceSpan } from "../../src/contracts/trace.ts";
import { groupName } from "../../src/domain/symbol.ts";
import { type TraceNode, traceTrees } from "../../src/domain/trace-tree.ts";
import service from "../../src/index.ts";
import { stepMarketClock } from "../../src/platform/clocks.ts";
import { TracePart } from "../../src/platform/trace-part.ts";
import {
  MAX_TRACE_SPANS,
  MAX_TRACES,
  MAX_TRACES_OF_LABEL,
} from "../../src/platform/trace-store.ts";
import { deployment } from "./support/deployment.ts";
import {
  AAPL_GROUP,
  alpaca,
  api,
  connectTo,
  group,
  KEY,
  load,
  minute,
  MSFT_GROUP,
  polygon,
  postgres,
  SYMBOL_GROUPS,
  tick,
  useWorld,
} from "./support/world.ts";

vi.mock("../../src/env.ts", async (importOriginal) => {
  const { deployedEnv } = await import("./support/deployment.ts");
  return await deployedEnv(importOriginal);
});

const G = AAPL_GROUP;
const HOME = groupName(AAPL_GROUP);
const HOST = groupName(MSFT_GROUP);
const ON = { TRACE_ENABLED: "true" };
const OFF = {};

useWorld();
beforeEach(() => {
  deployment.variables = ON;
  alpaca.at = () => 100;
});

const hub = () => env.METRICS_HUB.getByName("hub");

/** The stored trace of a label that has all of this: its parts arrive by themselves. */
async function traceOf(label: string, isWhole: (paths: string[]) => boolean): Promise<StoredTrace> {
  return await vi.waitFor(async () => {
    const heads = (await hub().listTraces(MAX_TRACES)).filter((head) => head.label === label);
    const traces = await Promise.all(heads.map(({ id }) => hub().findTrace(id)));
    const whole = traces.find((trace) => trace !== null && isWhole(pathsOf(trace)));
    if (!whole) throw new Error(`${label} is not whole: ${JSON.stringify(traces)}`);
    return whole;
  });
}

/** Each span with those above it, as `label@place`, the root first. */
function pathsOf(trace: StoredTrace): string[] {
  const paths = (node: TraceNode<TraceSpan>, above: string): string[] => {
    const path = `${above}${node.span.label}@${node.span.at}`;
    return [path, ...node.children.flatMap((child) => paths(child, `${path} > `))];
  };
  return traceTrees(trace.all).flatMap((root) => paths(root, ""));
}

/** A batch of so many spans, the first of them the root's where it is to be one. */
function batchOf(number: number, spans: number, change: { label?: string; rooted?: boolean } = {}) {
  const trace = number.toString(16).padStart(32, "0");
  const part = number.toString(16).padStart(8, "0");
  const { label = "GET /v1/bars", rooted = true } = change;
  return {
    v: 1,
    trace,
    dropped: 0,
    spans: Array.from({ length: spans }, (_, at) => ({
      id: `${part}-${at + 1}`,
      parent: at === 0 && rooted ? null : `${part}-1`,
      label,
      at: "worker",
      startMs: 1_000 + number,
      endMs: 2_000 + number,
    })),
  } satisfies TraceBatch;
}

describe("the trace of a poll", () => {
  it("is one tree from the alarm over runner, group and database to the host of a client", async () => {
    await load([G]);
    const client = await connectTo(MSFT_GROUP);
    await client.subscribe(["AAPL"]);
    await tick(minute(1), [G]);
    const alarm = `alarm ${HOME}@${HOME}`;
    const fetched = `${alarm} > poll:${minute(0)}@${HOME} > run a fetch@runner`;
    const ingested = `${fetched} > hand over@runner > ingest@${HOME}`;
    const delivered = `${ingested} > to ${HOST}@${HOME} > deliver@${HOST}`;
    const stored = `${ingested} > drain@${HOME} > postgres transaction@${HOME}`;
    const trace = await traceOf(
      `alarm ${HOME}`,
      (paths) => paths.includes(delivered) && paths.includes(stored) && paths.includes(alarm),
    );
    expect(pathsOf(trace)).toEqual(
      expect.arrayContaining([fetched, `${fetched} > alpaca bars_1m@runner > http@runner`]),
    );
    expect(traceTrees(trace.all)).toHaveLength(1);
    expect(trace.all.every(({ failed }) => failed === undefined)).toBe(true);
    expect(JSON.stringify(trace)).not.toMatch(/secret|test-bootstrap|key-id/);
  });

  it("marks what failed by its kind, and the poll goes on with the next provider", async () => {
    vi.spyOn(alpaca, "answer").mockRejectedValue(new TypeError("password=x"));
    polygon.at = () => 200;
    await load([G]);
    await tick(minute(1), [G]);
    const trace = await traceOf(`alarm ${HOME}`, (paths) =>
      paths.some((path) => path.endsWith(` > drain@${HOME}`)),
    );
    const failed = trace.all.filter((span) => span.failed !== undefined);
    expect(failed.map(({ label, failed: kind }) => [label, kind])).toEqual([
      ["http", "ProviderError"],
    ]);
    expect(JSON.stringify(trace)).not.toContain("password");
    expect(new Set(postgres.rows(G).map(({ provider }) => provider))).toEqual(new Set(["polygon"]));
  });

  it("is lost, and nothing else, when the hub does not take it", async () => {
    const keep = vi.spyOn(MetricsHub.prototype, "keepTrace").mockRejectedValue(new Error("full"));
    await load([G]);
    await tick(minute(1), [G]);
    expect(postgres.rows(G).map(({ symbol }) => symbol)).toEqual(["AAPL", "ORCL"]);
    expect(keep).toHaveBeenCalled();
    expect(await hub().listTraces(MAX_TRACES)).toEqual([]);
  });
});

describe("the trace of a cron tick", () => {
  it("has the plan of every group below it", async () => {
    stepMarketClock(minute(1));
    const context = createExecutionContext();
    const controller = createScheduledController({
      scheduledTime: new Date(minute(1)),
      cron: "* * * * *",
    });
    await service.scheduled(controller, env, context);
    await waitOnExecutionContext(context);
    const trace = await traceOf(
      "cron",
      (paths) => paths.filter((path) => / > plan@g\d\d$/.test(path)).length === SYMBOL_GROUPS,
    );
    expect(pathsOf(trace)).toContain(`cron@worker > plan ${HOME}@worker > plan@${HOME}`);
    expect(traceTrees(trace.all)).toHaveLength(1);
  });
});

describe("an object with nothing to do", () => {
  it("makes no trace of that", async () => {
    const send = vi.spyOn(MetricsHub.prototype, "keepTrace");
    await group(G).runUntilQuiet();
    expect(send).not.toHaveBeenCalled();
  });
});

describe("a deployment that does not trace", () => {
  beforeEach(() => {
    deployment.variables = OFF;
  });

  it("makes no spans and stores nothing", async () => {
    const begin = vi.spyOn(TracePart.prototype, "begin");
    const keep = vi.spyOn(MetricsHub.prototype, "keepTrace");
    await load([G]);
    await tick(minute(1), [G]);
    await api("/v1/calendar");
    expect(postgres.rows(G).length).toBeGreaterThan(0);
    expect(begin).not.toHaveBeenCalled();
    expect(keep).not.toHaveBeenCalled();
    expect(await hub().listTraces(MAX_TRACES)).toEqual([]);
  });

  it("says so where traces would be", async () => {
    for (const path of ["/ops/traces", `/ops/traces/${"0".repeat(32)}`]) {
      const response = await api(path);
      expect([response.status, await response.json()]).toMatchObject([
        404,
        { code: "tracing_off" },
      ]);
    }
  });
});

describe("the stored traces", () => {
  const rowsOf = (table: "trace" | "trace_batch") =>
    runInDurableObject(hub(), (_, { storage }) =>
      storage.sql.exec<{ rows: number }>(`SELECT count(*) AS rows FROM ${table}`).one(),
    );

  it("are the newest, so many of a label, and what goes leaves nothing behind", async () => {
    await runInDurableObject(hub(), async (store) => {
      for (let number = 0; number < MAX_TRACES_OF_LABEL + 5; number += 1)
        await store.keepTrace(batchOf(number, 2, { label: "noisy" }));
      for (let number = 100; number < 100 + MAX_TRACES; number += 1)
        await store.keepTrace(batchOf(number, 1, { label: `label ${number % 20}` }));
    });
    const heads = await hub().listTraces(10_000);
    expect(heads).toHaveLength(MAX_TRACES);
    expect(heads[0]?.id).toBe(batchOf(99 + MAX_TRACES, 1).trace);
    expect(heads.filter(({ label }) => label === "noisy")).toHaveLength(0);
    expect(await rowsOf("trace")).toEqual({ rows: MAX_TRACES });
    expect(await rowsOf("trace_batch")).toEqual({ rows: MAX_TRACES });
    // What comes late of a trace that has gone is the oldest, and goes at once.
    await hub().keepTrace(batchOf(1, 1, { rooted: false }));
    expect(await hub().findTrace(batchOf(1, 1).trace)).toBeNull();
    await runInDurableObject(hub(), async (store) => {
      for (let number = 900; number < 900 + MAX_TRACES_OF_LABEL + 5; number += 1)
        await store.keepTrace(batchOf(number, 1, { label: "noisy" }));
    });
    const after = await hub().listTraces(10_000);
    expect(after.filter(({ label }) => label === "noisy")).toHaveLength(MAX_TRACES_OF_LABEL);
  });

  it("have so many spans and so many bytes each; the others are counted", async () => {
    const whole = Math.floor(MAX_TRACE_SPANS / 250);
    for (let batch = 0; batch < whole + 3; batch += 1)
      await hub().keepTrace(batchOf(1, 250, { label: "x", rooted: batch === 0 }));
    const trace = await hub().findTrace(batchOf(1, 1).trace);
    expect(trace?.spans).toBe(trace?.all.length);
    expect((trace?.spans ?? 0) + (trace?.dropped ?? 0)).toBe(250 * (whole + 3));
    expect(trace?.spans).toBeLessThanOrEqual(MAX_TRACE_SPANS);
    expect(JSON.stringify(trace?.all).length).toBeLessThan(140 * 1_024);
  });

  it("refuse what is no batch", async () => {
    const bad = { ...batchOf(1, 1), trace: "DROP TABLE trace" };
    await runInDurableObject(hub(), async (store) => {
      await expect(store.keepTrace(bad)).rejects.toThrow();
    });
  });
});

describe("the routes of traces", () => {
  const listSchema = z.object({
    traces: z.array(
      z.object({
        id: z.string(),
        label: z.string().nullable(),
        begun: z.string(),
        ms: z.number(),
        spans: z.number(),
        dropped: z.number(),
      }),
    ),
  });
  const get = (path: string, headers: Readonly<Record<string, string>> = {}) =>
    api(path, { authorization: `Bearer ${KEY}`, ...headers });

  it("list requests, and not those for traces", async () => {
    await get("/v1/calendar");
    const { traces } = await vi.waitFor(async () => {
      const list = listSchema.parse(await (await get("/ops/traces")).json());
      expect(list.traces.map(({ label }) => label)).toContain("GET /v1/calendar");
      return list;
    });
    expect(traces.filter(({ label }) => label?.includes("/ops/traces"))).toEqual([]);
  });

  it("give a trace by Accept as the page or as trace events, and by `format` whatever is accepted", async () => {
    await hub().keepTrace(batchOf(7, 3));
    const path = `/ops/traces/${batchOf(7, 1).trace}`;
    const browser = "text/html,application/xhtml+xml,*/*;q=0.8";
    for (const [query, accept] of [
      ["", browser],
      ["?format=html", "application/json"],
    ] as const) {
      const page = await get(path + query, { accept });
      expect(page.headers.get("content-type")).toMatch(/^text\/html/);
      const nonce = /nonce-([0-9a-f-]{36})/.exec(page.headers.get("content-security-policy") ?? "");
      expect(await page.text()).toContain(`<script nonce="${nonce?.[1]}">`);
      expect(page.headers.get("cache-control")).toBe("no-store");
    }
    for (const [query, accept] of [
      ["", "*/*"],
      ["?format=chrome", browser],
    ] as const) {
      const events = await (await get(path + query, { accept })).json();
      expect(
        z.object({ traceEvents: z.array(z.unknown()) }).parse(events).traceEvents,
      ).toHaveLength(4);
    }
  });

  it("refuse what is no trace, no form and no key", async () => {
    await hub().keepTrace(batchOf(7, 3));
    const path = `/ops/traces/${batchOf(7, 1).trace}`;
    const statusOf = async (at: string, headers: Readonly<Record<string, string>> = {}) =>
      (await get(at, headers)).status;
    expect(await statusOf(`/ops/traces/${"f".repeat(32)}`)).toBe(404);
    expect(await statusOf("/ops/traces/none")).toBe(404);
    expect(await statusOf(`${path}?format=svg`)).toBe(422);
    expect(await statusOf("/ops/traces?limit=0")).toBe(422);
    expect(await statusOf(path, { accept: "image/png" })).toBe(406);
    expect((await exports.default.fetch(`https://mds.test${path}`)).status).toBe(401);
  });
});
