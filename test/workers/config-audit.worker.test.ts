import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { DAY_MS } from "../../src/domain/time.ts";
import { configStoreStub, sloMonitorStub } from "../../src/platform/stubs.ts";
import { setConfig, useWallByHand } from "./support/configs.ts";
import { KEY, postgres, useWorld } from "./support/world.ts";

useWorld();
const wall = useWallByHand();

const copied = () =>
  postgres.configAudit.rows.map(({ id, act, subject }) => `${id} ${act} ${subject}`);

/** The cron's minute. */
async function ping(): Promise<void> {
  wall.pass(60_000);
  await sloMonitorStub(env).ping();
}
async function isolate(reason: string): Promise<void> {
  wall.pass(1_000);
  await configStoreStub(env).isolate("iex", reason, "k_1");
}
/** Sets ConfigStore back to when it had so many acts. */
async function setBack(acts: number): Promise<void> {
  await runInDurableObject(configStoreStub(env), (_, { storage: { sql } }) => {
    sql.exec("DELETE FROM audit WHERE id > ?", acts);
    sql.exec("UPDATE sqlite_sequence SET seq = ? WHERE name = 'audit'", acts);
  });
}

describe("the audit of ConfigStore", () => {
  it("is in Postgres a minute after an act, once, whatever kind of act it is", async () => {
    await ping();
    expect(copied()).toEqual(["1 config_variables config:1"]);
    await setConfig({ timeout_ms: 900 });
    await isolate("empty answers");
    await ping();
    await ping();
    const acts = ["1 config_variables config:1", "2 config_set config:2", "3 isolate provider:iex"];
    expect(copied()).toEqual(acts);
    const [, set, isolation] = postgres.configAudit.rows;
    expect(JSON.parse(set?.detail ?? "")).toEqual([
      { path: "$.timeout_ms", before: 5_000, after: 900 },
    ]);
    expect(isolation).toMatchObject({
      atMs: wall.now() - 120_000,
      actor: "k_1",
      reason: "empty answers",
      detail: "",
    });
    expect(postgres.configAudit.repeated).toBe(0);
  });

  it("waits while Postgres is away, and arrives though both objects were evicted meanwhile", async () => {
    await ping();
    postgres.away = true;
    await isolate("first");
    await ping();
    await isolate("second");
    await ping();
    await evictDurableObject(configStoreStub(env));
    await evictDurableObject(sloMonitorStub(env));
    postgres.away = false;
    await ping();
    expect(postgres.configAudit.rows.slice(1).map(({ reason }) => reason)).toEqual([
      "first",
      "second",
    ]);
    expect(postgres.configAudit.repeated).toBe(0);
  });

  it("does not wake the database while there is nothing new, also after an eviction", async () => {
    await ping();
    const { asked } = postgres.configAudit;
    await ping();
    await evictDurableObject(sloMonitorStub(env));
    await ping();
    expect(postgres.configAudit.asked).toBe(asked);
  });

  it("is there again after a day when Postgres was restored, and at once with the next act", async () => {
    await ping();
    await isolate("first");
    await ping();
    const all = ["1 config_variables config:1", "2 isolate provider:iex"];
    expect(copied()).toEqual(all);
    postgres.configAudit.reset();
    await ping();
    expect(copied()).toEqual([]);
    wall.pass(DAY_MS);
    await ping();
    expect(copied()).toEqual(all);
    postgres.configAudit.reset();
    await isolate("second");
    await ping();
    expect(copied()).toEqual([...all, "3 isolate provider:iex"]);
  });

  it("goes on when ConfigStore was set back and gives its numbers out again", async () => {
    await ping();
    await isolate("of the other past");
    await isolate("of the other past, too");
    await ping();
    await setBack(1);
    await ping();
    await isolate("after it was set back");
    await ping();
    expect(postgres.configAudit.rows.map(({ id, reason }) => [id, reason])).toEqual([
      [1, ""],
      [2, "of the other past"],
      [3, "of the other past, too"],
      [2, "after it was set back"],
    ]);
  });

  it("has no secret, not even one that stands in a reason", async () => {
    await ping();
    await isolate(`do not paste ${KEY} here`);
    await ping();
    expect(JSON.stringify(postgres.configAudit.rows)).not.toContain(KEY);
    expect(postgres.configAudit.rows.at(-1)?.reason).toBe("do not paste [secret] here");
  });
});
