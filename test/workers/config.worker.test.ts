import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { ConfigStore } from "../../durable-objects/config-store.ts";
import { SloMonitor } from "../../durable-objects/slo-monitor.ts";
import {
  activeConfigSchema,
  changedConfigSchema,
  configVersionsSchema,
  oneConfigVersionSchema,
} from "../../src/api/config-view.ts";
import { ConfigBook } from "../../src/config/config-book.ts";
import { serviceConfigSchema } from "../../src/contracts/config.ts";
import { configStoreStub } from "../../src/platform/stubs.ts";
import { activeNow, ops, setConfig, setConfigUntold, useWallByHand } from "./support/configs.ts";
import { api, load, useWorld } from "./support/world.ts";

useWorld();
const wall = useWallByHand();

const store = () => configStoreStub(env);
const OBJECTS = 32 + 4 + 3 + 1;
const problemSchema = z.object({
  code: z.string(),
  version: z.number().optional(),
  faults: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
  checks: z.array(z.object({ check: z.string(), verdict: z.string() })).optional(),
});
const readySchema = z.object({
  ready: z.boolean(),
  reasons: z.array(z.string()),
  warnings: z.array(z.string()),
  config: z.object({ active: z.number().nullable(), in_force: z.number().nullable() }),
});

async function show() {
  const response = await ops("GET", "");
  expect(response.status).toBe(200);
  return {
    etag: response.headers.get("etag"),
    ...activeConfigSchema.parse(await response.json()),
  };
}
async function changedBy(response: Response) {
  const answer: unknown = await response.json();
  expect(response.status, JSON.stringify(answer)).toBe(200);
  return { etag: response.headers.get("etag"), ...changedConfigSchema.parse(answer) };
}
async function refusal(response: Response) {
  return { status: response.status, ...problemSchema.parse(await response.json()) };
}
async function versions(query = "") {
  return configVersionsSchema.parse(await (await ops("GET", `/versions${query}`)).json());
}
async function ready() {
  wall.pass(11_000);
  const response = await api("/health/ready");
  return { status: response.status, ...readySchema.parse(await response.json()) };
}
/** The audit of ConfigStore, without the times. */
async function audit() {
  return await runInDurableObject(store(), (_, state) =>
    state.storage.sql
      .exec("SELECT actor, act, subject, reason, detail FROM audit ORDER BY id")
      .toArray(),
  );
}
/** Takes in the variables of another deployment. */
async function deploy(variables: object): Promise<void> {
  const config = serviceConfigSchema.parse(variables);
  await runInDurableObject(store(), (_, state) => {
    new ConfigBook(state.storage).deploy(config, wall.now());
  });
}

describe("the configuration", () => {
  it("is at first the variables', version 1, and every object acts by it", async () => {
    const first = await show();
    expect(first).toMatchObject({
      etag: '"1"',
      version: 1,
      origin: "variables",
      actor: "deployment",
      in_force: { version: 1, fault: null },
      variables_differ: false,
      current: OBJECTS,
      behind: [],
    });
    // The bindings of these tests, over the defaults of the schema.
    expect(first.config.policies.bars_1m).toEqual(["alpaca", "polygon"]);
    expect(first.config.cold_start_sessions).toEqual({ "1m": 0, "1d": 10 });
    expect(first.config.settle_delay_s).toBe(90);
  });

  it("is replaced by a new version, which every object confirms, is audited, and survives an eviction", async () => {
    const put = ops("PUT", "?reason=slow%20night", { body: { timeout_ms: 900 }, version: 1 });
    const changed = await changedBy(await put);
    expect(changed).toMatchObject({ etag: '"2"', version: 2, changed: true, unconfirmed: [] });
    expect(changed.changes).toEqual([{ path: "$.timeout_ms", before: 5_000, after: 900 }]);
    expect(changed.confirmed).toHaveLength(OBJECTS);
    expect(changed.confirmed).toEqual(
      expect.arrayContaining(["g00", "g31", "breaker iex", "queue T2", "slo"]),
    );
    expect(changed.checks.every(({ verdict }) => verdict !== "fault")).toBe(true);
    await evictDurableObject(store());
    expect(await show()).toMatchObject({
      etag: '"2"',
      origin: "operator",
      actor: "bootstrap",
      reason: "slow night",
      // What the body left out is the deployment's.
      config: { timeout_ms: 900, cold_start_sessions: { "1m": 0 } },
    });
    expect((await audit()).at(-1)).toEqual({
      actor: "bootstrap",
      act: "config_set",
      subject: "config:2",
      reason: "slow night",
      detail: JSON.stringify(changed.changes),
    });
  });

  it("is replaced only by who has read it", async () => {
    const body = { timeout_ms: 900 };
    expect(await refusal(await ops("PUT", "", { body }))).toMatchObject({
      status: 428,
      code: "precondition_required",
    });
    expect((await ops("PUT", "", { body, version: "*" })).status).toBe(428);
    await setConfig(body);
    const late = await ops("PUT", "", { body: { timeout_ms: 800 }, version: 1 });
    expect(late.headers.get("etag")).toBe('"2"');
    expect(await refusal(late)).toMatchObject({
      status: 412,
      code: "version_mismatch",
      version: 2,
    });
    expect((await show()).config.timeout_ms).toBe(900);
    for (const path of ["/reload", "/rollback/1"])
      expect((await ops("POST", path, { version: 1 })).status).toBe(412);
    expect(await activeNow()).toBe(2);
  });

  it("is not changed by one with faults, each of which is named by its path", async () => {
    const body = { breaker: { demote: 0.9 }, policies: { bars_1m: ["finnhub"] }, x: 1 };
    const refused = await refusal(await ops("PUT", "", { body, version: 1 }));
    expect(refused).toMatchObject({ status: 422, code: "invalid_config" });
    expect(refused.faults).toEqual([
      { path: "$.breaker.demote", message: "must be below promote" },
      { path: "$.x", message: "there is no such field" },
    ]);
    const unserved = await ops("PUT", "", {
      body: { policies: { bars_1m: ["finnhub"] } },
      version: 1,
    });
    const { status, faults, checks } = await refusal(unserved);
    expect([status, faults?.map(({ path }) => path)]).toEqual([422, ["$.policies.bars_1m"]]);
    expect(checks).toContainEqual({ check: "served", verdict: "fault" });
    expect(await refusal(await ops("PUT", "", { body: "{", version: 1 }))).toMatchObject({
      status: 422,
      faults: [{ path: "$" }],
    });
    const huge = " ".repeat(128 * 1_024 + 1);
    expect((await ops("PUT", "", { body: huge, version: 1 })).status).toBe(413);
    expect((await ops("PUT", "?dryrun=true", { body: {}, version: 1 })).status).toBe(422);
    expect((await versions()).versions).toHaveLength(1);
    expect(await audit()).toHaveLength(1);
  });

  it("is looked at by a dry run with every check, and stays as it is", async () => {
    await load([0]);
    const body = { breaker: { demote: 0.5, promote: 0.8 }, quote_every_s: 30 };
    const dry = await changedBy(await ops("PUT", "?dry_run=true", { body, version: 1 }));
    expect(dry).toMatchObject({ dry_run: true, version: 1, changed: true, confirmed: [] });
    expect(dry.changes.map(({ path }) => path)).toEqual([
      "$.breaker.demote",
      "$.breaker.promote",
      "$.quote_every_s",
    ]);
    expect(dry.checks).toContainEqual({
      check: "breaker_thresholds",
      path: "$.breaker",
      verdict: "ok",
      detail: "0 <= demote 0.5 < promote 0.8 <= 1",
      numbers: { demote: 0.5, promote: 0.8 },
    });
    for (const check of ["policy", "served", "capacity"])
      expect(dry.checks.some((one) => one.check === check)).toBe(true);
    expect(await activeNow()).toBe(1);
  });

  it("that would stay the same makes no version", async () => {
    const same = await changedBy(await ops("PUT", "", { body: {}, version: 1 }));
    // But from now on it is the operator's: variables of a deploy don't replace it.
    expect(same).toMatchObject({ version: 2, changed: true, changes: [] });
    const again = await changedBy(await ops("PUT", "", { body: {}, version: 2 }));
    expect(again).toMatchObject({ version: 2, changed: false });
  });

  it("goes back to an old version by a new one, and to the variables by a reload", async () => {
    await setConfig({ timeout_ms: 900 });
    await setConfig({ timeout_ms: 800 });
    expect((await refusal(await ops("POST", "/rollback/9"))).code).toBe("unknown_version");
    expect((await ops("POST", "/rollback/x")).status).toBe(404);
    const dry = await changedBy(await ops("POST", "/rollback/2?dry_run=true"));
    expect(dry.changes).toEqual([{ path: "$.timeout_ms", before: 800, after: 900 }]);
    expect(await activeNow()).toBe(3);
    expect(await changedBy(await ops("POST", "/rollback/2", { version: 3 }))).toMatchObject({
      version: 4,
    });
    expect(await show()).toMatchObject({ origin: "rollback", reason: "back to version 2" });
    const reloaded = await changedBy(await ops("POST", "/reload"));
    expect(reloaded).toMatchObject({ version: 5, changed: true });
    expect(await show()).toMatchObject({ origin: "variables", config: { timeout_ms: 5_000 } });
  });

  it("has its versions, page by page, each with what it changed", async () => {
    for (const ms of [900, 800, 700]) await setConfig({ timeout_ms: ms });
    const first = await versions("?limit=2");
    expect(first.versions.map(({ version, changes }) => [version, changes?.[0]?.after])).toEqual([
      [4, 700],
      [3, 800],
    ]);
    const rest = await versions(`?limit=2&page_token=${first.next_page_token}`);
    expect(rest.versions.map(({ version, origin }) => [version, origin])).toEqual([
      [2, "operator"],
      [1, "variables"],
    ]);
    expect([rest.next_page_token, rest.versions[1]?.changes]).toEqual([null, []]);
    expect((await ops("GET", "/versions?page_token=x")).status).toBe(400);
    const one = oneConfigVersionSchema.parse(await (await ops("GET", "/versions/3")).json());
    expect(one).toMatchObject({ version: 3, schema_version: 1, config: { timeout_ms: 800 } });
    expect(one.changes).toEqual([{ path: "$.timeout_ms", before: 900, after: 800 }]);
    expect((await ops("GET", "/versions/77")).status).toBe(404);
  });

  it("names who did not confirm it: they learn of it by themselves", async () => {
    vi.spyOn(SloMonitor.prototype, "learnConfig").mockRejectedValueOnce(new Error("overloaded"));
    const put = ops("PUT", "", { body: { timeout_ms: 900 }, version: 1 });
    const changed = await changedBy(await put);
    expect(changed.unconfirmed).toEqual([
      { object: "slo", version: null, lowest: null, error: "overloaded" },
    ]);
    expect(changed.confirmed).toHaveLength(OBJECTS - 1);
    expect((await show()).behind).toEqual([]);
  });

  it("has the lowest version that each component acted by in the scrape", async () => {
    await setConfig({ timeout_ms: 900 });
    const line = async () => {
      const text = await (await api("/metrics")).text();
      return /^config_version\{component="api"\} (.+)$/m.exec(text)?.[1];
    };
    expect(await line()).toBe("1");
    wall.pass(300_001);
    await line();
    expect(await line()).toBe("2");
  });
});

describe("a deploy", () => {
  it("makes a version of changed variables, as long as nobody else made the active one", async () => {
    await deploy({ timeout_ms: 700 });
    await deploy({ timeout_ms: 700 });
    await deploy({ timeout_ms: 600 });
    const before = (await store().configVersions(null, 10)).toReversed();
    const told = before.map(({ version, origin, actor }) => [version, origin, actor]);
    // The last of them is of the store itself, which has those of these tests.
    expect(told).toEqual([1, 2, 3].map((version) => [version, "variables", "deployment"]));
  });

  it("is only a warning of readiness when an operator's version is active", async () => {
    await setConfig({ timeout_ms: 900 });
    expect((await ready()).warnings.join()).not.toContain("variables have changed");
    await runInDurableObject(store(), (_, state) => {
      state.storage.sql.exec("UPDATE config SET variables = '{}'");
    });
    const { status, warnings } = await ready();
    expect(status).toBe(200);
    expect(warnings.join()).toContain("variables have changed since version 2");
    expect(await show()).toMatchObject({ version: 2, variables_differ: true });
  });

  it("of a release that can't read the active version keeps the last good one, and is not ready", async () => {
    await setConfig({ timeout_ms: 900 });
    await setConfigUntold(() => ({ schema_version: 99, later: true }));
    wall.pass(5_001);
    const { status, reasons, config } = await ready();
    expect([status, config]).toEqual([503, { active: 3, in_force: 2 }]);
    expect(reasons.join()).toMatch(/version 3 .* schema_version is 99.*version 2 is in force/);
    expect(await (await ops("GET", "")).json()).toMatchObject({
      version: 3,
      in_force: { version: 2 },
      current: OBJECTS,
    });
    // Going back to it is refused like any configuration with faults; a new one ends it.
    await setConfig({ timeout_ms: 900 });
    const back = await refusal(await ops("POST", "/rollback/3"));
    expect(back).toMatchObject({ status: 422, code: "invalid_config" });
    expect((await ready()).status).toBe(200);
    expect(await activeNow()).toBe(4);
  });
});

describe("ConfigStore", () => {
  it("changes all or nothing: what breaks in the middle leaves the version before", async () => {
    await setConfig({ timeout_ms: 900 });
    await runInDurableObject(store(), (_, state) => {
      state.storage.sql.exec("ALTER TABLE audit RENAME TO audit_away");
    });
    await expect(setConfigUntold(() => ({ timeout_ms: 800 }))).rejects.toThrow("audit");
    await evictDurableObject(store());
    await runInDurableObject(store(), (_, state) => {
      state.storage.sql.exec("ALTER TABLE audit_away RENAME TO audit");
    });
    expect((await store().configVersions(null, 10)).map(({ version }) => version)).toEqual([2, 1]);
    expect(await setConfigUntold(() => ({ timeout_ms: 800 }))).toMatchObject({
      ok: true,
      version: { version: 3 },
    });
  });

  it("keeps the last 500 versions and 1,000 acts", async () => {
    await show();
    await runInDurableObject(store(), (instance, state) => {
      expect(instance).toBeInstanceOf(ConfigStore);
      const book = new ConfigBook(state.storage);
      const config = serviceConfigSchema.parse({});
      for (let version = 1; version < 1_100; version += 1) {
        const body = JSON.stringify({ ...config, timeout_ms: 1_000 + version });
        const change = { expected: version, body, actor: "a", reason: null };
        expect(book.swap({ ...change, origin: "operator" }, wall.now()).ok).toBe(true);
      }
    });
    expect(await store().configVersion(1_100)).not.toBeNull();
    expect(await store().configVersion(600)).toBeNull();
    expect(await store().configVersion(601)).not.toBeNull();
    expect(await audit()).toHaveLength(1_000);
  });
});
