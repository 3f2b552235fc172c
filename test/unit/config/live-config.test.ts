import { beforeEach, describe, expect, it, vi } from "vitest";
import { LiveConfig } from "../../../src/config/live-config.ts";
import { serviceConfigSchema } from "../../../src/contracts/config.ts";
import type { ConfigStamp, ConfigState } from "../../../src/contracts/config-version.ts";
import { readSettings } from "../../../src/env.ts";
import { BOUND } from "../../support/bindings.ts";

const read = readSettings({
  ...BOUND,
  ENVIRONMENT: "development",
  SYMBOL_GROUPS: "32",
  DATABASE_URL: "postgresql://user:word@db.example/market",
  BOOTSTRAP_KEY: "a-bootstrap-key-of-thirty-chars",
});
if (!read.ok) throw new Error(read.faults.join("; "));
const base = read.settings;

/** A ConfigStore by hand: its version, whether it answers, and what it was asked. */
class Store {
  version = 1;
  answers: (state: ConfigState) => Promise<ConfigState> = async (state) => state;
  readonly asked: (number | null)[] = [];

  async read(known: ConfigStamp | null): Promise<ConfigState> {
    this.asked.push(known?.version ?? null);
    const stamp = { version: this.version, atMs: 1_000 + this.version };
    const isKnown = known?.version === stamp.version && known.atMs === stamp.atMs;
    return await this.answers({
      inForce: stamp,
      body: isKnown
        ? null
        : JSON.stringify(serviceConfigSchema.parse({ timeout_ms: 1_000 + this.version })),
      active: { ...stamp, origin: "operator" },
      fault: null,
      isDrifted: false,
    });
  }
}

let store: Store;
let live: LiveConfig;
let nowMs = 0;
beforeEach(() => {
  vi.spyOn(console, "warn").mockImplementation(() => {});
  store = new Store();
  nowMs = 1_000_000;
  const wall = { kind: "wall" as const, now: () => nowMs };
  live = new LiveConfig({ base, wall, read: (known) => store.read(known) });
});
const timeout = async () => (await live.renew()).config.timeout_ms;
const away = async () => await Promise.reject<ConfigState>(new Error("overloaded"));

describe("the live configuration", () => {
  it("is asked for before the first act, and again by its version when it is older than 5 s", async () => {
    expect(await timeout()).toBe(1_001);
    nowMs += 5_000;
    store.version = 2;
    expect(await timeout()).toBe(1_001);
    nowMs += 1;
    expect(await timeout()).toBe(1_002);
    expect(store.asked).toEqual([null, 1]);
    expect((await live.renew()).configVersion).toBe(2);
  });

  it("is asked for when the clock was set back", async () => {
    await live.renew();
    store.version = 2;
    nowMs -= 60_000;
    expect(await timeout()).toBe(1_002);
  });

  it("is one object as long as it is one version", async () => {
    const first = await live.renew();
    nowMs += 6_000;
    expect(await live.renew()).toBe(first);
    expect(store.asked).toEqual([null, 1]);
    store.version = 2;
    nowMs += 6_000;
    expect(await live.renew()).not.toBe(first);
  });

  it("is asked for once by all who come meanwhile; its age counts from the question", async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    store.answers = async (state) => {
      await promise;
      return state;
    };
    const acts = [live.renew(), live.renew(), live.renew()];
    nowMs += 4_000;
    resolve();
    await Promise.all(acts);
    expect(store.asked).toEqual([null]);
    store.version = 2;
    nowMs += 1_001;
    expect(await timeout()).toBe(1_002);
  });

  it("that was told of a version asks at once, whatever was asked before", async () => {
    await live.renew();
    nowMs += 6_000;
    const { promise, resolve } = Promise.withResolvers<void>();
    let isFirst = true;
    store.answers = async (state) => {
      if (!isFirst) return state;
      isFirst = false;
      await promise;
      return state;
    };
    const old = live.renew();
    store.version = 2;
    const told = live.learn({ version: 2, atMs: 1_002 });
    resolve();
    expect((await told).configVersion).toBe(2);
    await old;
    expect(live.settings.configVersion).toBe(2);
    // What is known already is not asked for.
    const { length } = store.asked;
    await live.learn({ version: 2, atMs: 1_002 });
    expect(store.asked).toHaveLength(length);
  });

  it("holds while ConfigStore does not answer, which is asked again a second later", async () => {
    await live.renew();
    nowMs += 6_000;
    store.version = 2;
    store.answers = away;
    expect(await timeout()).toBe(1_001);
    expect(live.fault).toBe("overloaded");
    nowMs += 999;
    expect(await timeout()).toBe(1_001);
    expect(store.asked).toHaveLength(2);
    nowMs += 1;
    store.answers = async (state) => state;
    expect(await timeout()).toBe(1_002);
    expect(live.fault).toBeNull();
  });

  it("that was never known lets nobody act", async () => {
    store.answers = away;
    await expect(live.renew()).rejects.toThrow("the configuration is not known: overloaded");
    await expect(live.renew()).rejects.toThrow("not known");
    expect(live.settings).toBe(base);
    store.answers = async (state) => state;
    expect(await timeout()).toBe(1_001);
  });

  it("waits two seconds for an answer at most: who asked may be gone", async () => {
    await live.renew();
    vi.useFakeTimers();
    try {
      nowMs += 6_000;
      store.answers = async () => await new Promise<ConfigState>(() => {});
      const acts = Promise.all([timeout(), timeout()]);
      await vi.advanceTimersByTimeAsync(2_000);
      expect(await acts).toEqual([1_001, 1_001]);
      expect(live.fault).toBe("no answer within 2000 ms");
      expect(vi.getTimerCount()).toBe(0);
    } finally {
      vi.useRealTimers();
    }
  });

  it("takes an answer that comes too late for nothing when a later one has come", async () => {
    await live.renew();
    const { promise, resolve } = Promise.withResolvers<void>();
    vi.useFakeTimers();
    try {
      nowMs += 6_000;
      store.version = 2;
      store.answers = async (state) => {
        await promise;
        return state;
      };
      const old = timeout();
      await vi.advanceTimersByTimeAsync(2_000);
      await old;
      store.version = 3;
      store.answers = async (state) => state;
      nowMs += 1_000;
      expect(await timeout()).toBe(1_003);
      resolve();
      await vi.advanceTimersByTimeAsync(1);
      expect(await timeout()).toBe(1_003);
    } finally {
      vi.useRealTimers();
    }
  });

  it("takes a version of the same number and another time for another one", async () => {
    await live.renew();
    store.answers = async (state) => ({
      ...state,
      inForce: { version: 1, atMs: 5 },
      body: JSON.stringify(serviceConfigSchema.parse({ timeout_ms: 2_222 })),
    });
    nowMs += 6_000;
    expect(await timeout()).toBe(2_222);
  });
});
