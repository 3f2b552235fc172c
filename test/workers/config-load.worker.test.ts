import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env, exports } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import { z } from "zod";
import type { GroupFetch } from "../../src/contracts/group-fetch.ts";
import type { ConfigVersion } from "../../src/contracts/config-version.ts";
import type { Settings } from "../../src/env.ts";
import type * as RunnerModule from "../../src/ingest/fetch-runner.ts";
import { configStoreStub } from "../../src/platform/stubs.ts";
import { activeNow, ops, useWallByHand } from "./support/configs.ts";
import { AAPL_GROUP, alpaca, load, minute, polygon, useWorld } from "./support/world.ts";

/** What a fetch job was run by, and when it began and ended, wall time. */
interface Ran {
  readonly version: number;
  readonly timeoutMs: number;
  readonly settleDelayS: number;
  readonly fromMs: number;
}
const ran: Ran[] = vi.hoisted(() => []);

vi.mock("../../src/ingest/fetch-runner.ts", async (importOriginal) => {
  const original = await importOriginal<typeof RunnerModule>();
  return {
    ...original,
    runAndIngest: async (job: GroupFetch, settings: Settings, bindings: Env) => {
      const { configVersion: version, config } = settings;
      ran.push({
        version,
        timeoutMs: config.timeout_ms,
        settleDelayS: config.settle_delay_s,
        fromMs: Date.now(),
      });
      return await original.runAndIngest(job, settings, bindings);
    },
  };
});

useWorld();
const wall = useWallByHand();
const G = AAPL_GROUP;
const store = () => configStoreStub(env);

const WRITERS = 4;
const CHANGES = 50;
/** What one change makes of the two fields that belong together. */
const fieldsOf = (mark: number) => ({ timeout_ms: 1_000 + mark, settle_delay_s: 90 + mark });
const answerSchema = z.object({ version: z.number() });

/** Asks for a change by way of the API; the version that it made, null when somebody was faster. */
async function changeByApi(mark: number): Promise<number | null> {
  const response = await ops("PUT", "", { body: fieldsOf(mark), version: await activeNow() });
  const answer: unknown = await response.json();
  if (response.status === 200) return answerSchema.parse(answer).version;
  // Anything else would be a lost update.
  expect(response.status, JSON.stringify(answer)).toBe(412);
  return null;
}

/** The same in another isolate: nobody here is told. */
async function changeElsewhere(mark: number): Promise<number | null> {
  const { active, body } = await store().configState(null);
  const config = z.record(z.string(), z.unknown()).parse(JSON.parse(body ?? ""));
  const swapped = await store().swapConfig({
    expected: active.version,
    body: JSON.stringify({ ...config, ...fieldsOf(mark) }),
    origin: "operator",
    actor: "elsewhere",
    reason: null,
  });
  return swapped.ok ? swapped.version.version : null;
}

/** One writer: reads, changes, and reads again when somebody was faster; how often somebody was. */
async function write(writer: number, accepted: Map<number, number>): Promise<number> {
  let refused = 0;
  const change = writer % 2 === 0 ? changeByApi : changeElsewhere;
  for (let count = 0; count < CHANGES; count += 1) {
    const mark = writer * CHANGES + count;
    let version = await change(mark);
    for (; version === null; refused += 1) version = await change(mark);
    accepted.set(version, mark);
    wall.pass(737);
    // Those elsewhere are not faster than the API.
    await ops("GET", "/versions?limit=1");
  }
  return refused;
}

async function history(): Promise<ConfigVersion[]> {
  const pages = await Promise.all([null, 101].map((before) => store().configVersions(before, 101)));
  const all = new Map(pages.flat().map((version) => [version.version, version]));
  return [...all.values()].toSorted((a, b) => a.version - b.version);
}

/** Jobs of a group, one after the other and several at once, until the writers are done. */
async function fetchMeanwhile(isDone: () => boolean): Promise<void> {
  const job = (index: number): GroupFetch => ({
    v: 1,
    id: `load-${index}`,
    group: G,
    duty: `load:${index}`,
    interval: "1m",
    symbols: ["AAPL"],
    start_ms: minute(0),
    end_ms: minute(1),
    priority: 0,
    settle: false,
    lane: "live",
    rates: [],
    owners: [],
  });
  for (let index = 0; !isDone(); index += 3) {
    await Promise.all([0, 1, 2].map((more) => exports.FetchRunner.run(job(index + more))));
  }
}

describe("a configuration that 4 writers change 200 times under load", () => {
  it("has versions without holes, every accepted change, and no job ran by half of one or an old one", async () => {
    alpaca.at = () => 100;
    polygon.at = () => 200;
    await load([G]);
    ran.length = 0;
    const accepted = new Map<number, number>();
    let done = false;
    const fetching = fetchMeanwhile(() => done);
    const refused = await Promise.all(
      Array.from({ length: WRITERS }, (_, writer) => write(writer, accepted)),
    );
    done = true;
    await fetching;

    const versions = await history();
    const count = WRITERS * CHANGES;
    expect(versions.map(({ version }) => version)).toEqual(
      Array.from({ length: count + 1 }, (_, index) => index + 1),
    );
    expect(accepted.size).toBe(count);
    expect(new Set(accepted.values()).size).toBe(count);
    for (const { version, body } of versions.slice(1))
      expect(JSON.parse(body)).toMatchObject(fieldsOf(accepted.get(version) ?? -1));
    // They did get into each other's way.
    expect(refused.reduce((sum, one) => sum + one, 0)).toBeGreaterThan(0);

    expect(ran.length).toBeGreaterThan(50);
    expect(new Set(ran.map(({ version }) => version)).size).toBeGreaterThan(10);
    const replacedMs = new Map(versions.map(({ version, atMs }) => [version - 1, atMs]));
    for (const { version, timeoutMs, settleDelayS, fromMs } of ran) {
      const mark = accepted.get(version);
      const fields = mark === undefined ? [5_000, 90] : Object.values(fieldsOf(mark));
      expect([timeoutMs, settleDelayS]).toEqual(fields);
      expect(fromMs - (replacedMs.get(version) ?? Infinity)).toBeLessThanOrEqual(5_000);
    }
  }, 120_000);

  it("has all or nothing of a change when its store is killed in the middle, again and again", async () => {
    const accepted = new Map<number, number>();
    let unknown = 0;
    for (let mark = 0; mark < 30; mark += 1) {
      const expected = await activeNow();
      const put = ops("PUT", "", { body: fieldsOf(mark), version: expected });
      const kill = runInDurableObject(store(), (_, state) => state.abort("killed")).catch(
        () => undefined,
      );
      const [response] = await Promise.all([put, kill]);
      const answer: unknown = await response.json();
      if (response.status === 200) accepted.set(answerSchema.parse(answer).version, mark);
      else unknown += 1;
      wall.pass(1_500);
    }
    await evictDurableObject(store()).catch(() => undefined);
    const versions = await history();
    expect(versions.map(({ version }) => version)).toEqual(
      Array.from({ length: versions.length }, (_, index) => index + 1),
    );
    for (const [version, mark] of accepted)
      expect(JSON.parse(versions[version - 1]?.body ?? "{}")).toMatchObject(fieldsOf(mark));
    // What was not answered may have been done: whole, or not at all.
    expect(versions.length - 1 - accepted.size).toBeLessThanOrEqual(unknown);
    for (const { body } of versions) {
      const { timeout_ms: timeoutMs, settle_delay_s: settleDelayS } = z
        .object({ timeout_ms: z.number(), settle_delay_s: z.number() })
        .parse(JSON.parse(body));
      expect(settleDelayS).toBe(timeoutMs === 5_000 ? 90 : timeoutMs - 910);
    }
  });
});
