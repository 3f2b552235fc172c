import { runInDurableObject } from "cloudflare:test";
import { env, exports } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import { z } from "zod";
import type { GroupFetch } from "../../src/contracts/group-fetch.ts";
import type { ConfigVersion } from "../../src/contracts/config-version.ts";
import type { Settings } from "../../src/env.ts";
import type * as RunnerModule from "../../src/ingest/fetch-runner.ts";
import { configStoreStub } from "../../src/platform/stubs.ts";
import { ops, useWallByHand } from "./support/configs.ts";
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
/** The two fields that belong together, in the configuration that the variables bring and so many changes on. */
const fieldsAfter = (changes: number) => ({
  timeout_ms: 5_000 + changes,
  settle_delay_s: 90 + changes,
});
const answerSchema = z.object({ version: z.number() });
const fieldsSchema = z.looseObject({ timeout_ms: z.number(), settle_delay_s: z.number() });

/** The configuration as it was just read, one change on, and the version that the change is of. */
async function readAndChange() {
  const { active, body } = await store().configState(null);
  const config = fieldsSchema.parse(JSON.parse(body ?? ""));
  config.timeout_ms += 1;
  config.settle_delay_s += 1;
  return { expected: active.version, body: JSON.stringify(config) };
}

/** Asks for a change by way of the API; the version that it made, null when somebody was faster. */
async function changeByApi(reason: string): Promise<number | null> {
  const { expected: version, body } = await readAndChange();
  const response = await ops("PUT", `?reason=${reason}`, { body, version });
  const answer: unknown = await response.json();
  if (response.status === 200) return answerSchema.parse(answer).version;
  // Anything else would be a lost update.
  expect(response.status, JSON.stringify(answer)).toBe(412);
  return null;
}

/** The same in another isolate: nobody here is told. */
async function changeElsewhere(reason: string): Promise<number | null> {
  const change = { ...(await readAndChange()), actor: "elsewhere", reason };
  const swapped = await store().swapConfig({ ...change, origin: "operator" });
  return swapped.ok ? swapped.version.version : null;
}

/** One writer: reads, changes, and reads again when somebody was faster; how often somebody was. */
async function write(writer: number, accepted: Map<number, string>): Promise<number> {
  let refused = 0;
  const change = writer % 2 === 0 ? changeByApi : changeElsewhere;
  for (let count = 0; count < CHANGES; count += 1) {
    const reason = `writer-${writer}-${count}`;
    let version = await change(reason);
    for (; version === null; refused += 1) version = await change(reason);
    accepted.set(version, reason);
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
    const accepted = new Map<number, string>();
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
    // Each change stands upon the one before it, and says whose it is.
    for (const { version, body, reason } of versions) {
      expect(JSON.parse(body)).toMatchObject(fieldsAfter(version - 1));
      expect(reason ?? undefined).toBe(accepted.get(version));
    }
    // They did get into each other's way.
    expect(refused.reduce((sum, one) => sum + one, 0)).toBeGreaterThan(0);

    expect(ran.length).toBeGreaterThan(50);
    expect(new Set(ran.map(({ version }) => version)).size).toBeGreaterThan(10);
    const replacedMs = new Map(versions.map(({ version, atMs }) => [version - 1, atMs]));
    for (const { version, timeoutMs, settleDelayS, fromMs } of ran) {
      expect([timeoutMs, settleDelayS]).toEqual(Object.values(fieldsAfter(version - 1)));
      expect(fromMs - (replacedMs.get(version) ?? Infinity)).toBeLessThanOrEqual(5_000);
    }
  }, 120_000);

  it("has all or nothing of a change when its store is killed in the middle, again and again", async () => {
    const accepted = new Map<number, string>();
    const asked = new Set<string>();
    for (let count = 0; count < 30; count += 1) {
      const reason = `killed-${count}`;
      asked.add(reason);
      const { expected: version, body } = await readAndChange();
      const put = ops("PUT", `?reason=${reason}`, { body, version });
      const kill = runInDurableObject(store(), (_, state) => state.abort("killed")).catch(
        () => undefined,
      );
      const [response] = await Promise.all([put, kill]);
      const answer: unknown = await response.json();
      if (response.status === 200) accepted.set(answerSchema.parse(answer).version, reason);
      wall.pass(1_500);
    }
    const versions = await history();
    expect(versions.map(({ version }) => version)).toEqual(
      Array.from({ length: versions.length }, (_, index) => index + 1),
    );
    for (const [version, reason] of accepted) expect(versions[version - 1]?.reason).toBe(reason);
    // What was not answered may have been done: whole, once, or not at all.
    for (const { version, body, reason } of versions) {
      expect(JSON.parse(body)).toMatchObject(fieldsAfter(version - 1));
      expect(reason === null || asked.delete(reason)).toBe(true);
    }
    const acts = await runInDurableObject(store(), (_, state) =>
      state.storage.sql.exec("SELECT subject FROM audit ORDER BY id").toArray(),
    );
    expect(acts.map(({ subject }) => subject)).toEqual(
      versions.map(({ version }) => `config:${version}`),
    );
  });
});
