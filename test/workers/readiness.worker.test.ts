import { env, exports } from "cloudflare:workers";
import { createExecutionContext, createScheduledController } from "cloudflare:test";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { ConfigStore } from "../../durable-objects/config-store.ts";
import { ProviderBreaker } from "../../durable-objects/provider-breaker.ts";
import { SloMonitor } from "../../durable-objects/slo-monitor.ts";
import { SymbolGroup } from "../../durable-objects/symbol-group.ts";
import { createApp } from "../../src/api/app.ts";
import { MINUTE_MS } from "../../src/domain/time.ts";
import worker from "../../src/index.ts";
import { NEWEST_MIGRATION } from "../../src/postgres/schema-version.ts";
import { AAPL_GROUP, api, KEY, load, minute, postgres, useWorld } from "./support/world.ts";

useWorld();

/** A timer of so long bounds something; a test that waits for it to end waits less. */
const BOUND_MS = 2_000;
const SHORT_BOUND_MS = 1_000;
const realTimeout = globalThis.setTimeout;
const realNow = Date.now.bind(Date);
/** What the Worker keeps for a while has aged out when the next test begins. */
let aheadMs = 0;
let longestMs = 0;

beforeEach(() => {
  aheadMs += MINUTE_MS;
  vi.spyOn(Date, "now").mockImplementation(() => realNow() + aheadMs);
});

/** The use of a key is told so long after a request: nobody waits for that. */
const USES_MS = 5_000;

/** From now on bounds are short. Every object has been made before, so that only those that hang take long. */
async function shortenBounds(): Promise<void> {
  await readiness();
  longestMs = 0;
  vi.spyOn(globalThis, "setTimeout").mockImplementation((act, delayMs = 0, ...args: unknown[]) => {
    if (delayMs !== USES_MS) longestMs = Math.max(longestMs, delayMs);
    return realTimeout(act, delayMs < BOUND_MS ? delayMs : SHORT_BOUND_MS, ...args);
  });
}

const readinessSchema = z.object({
  ready: z.boolean(),
  reasons: z.array(z.string()),
  warnings: z.array(z.string()),
  groups: z.object({ members: z.number() }),
  database: z.object({ migration: z.string().nullable() }),
  cron: z.object({ last_tick_at: z.string().nullable() }),
  slo: z.object({ last_sample_at: z.string().nullable() }).nullable(),
});

/** What `GET /health/ready` says now: nothing that was kept. */
async function readiness() {
  aheadMs += MINUTE_MS;
  const response = await api("/health/ready");
  return { http: response.status, ...readinessSchema.parse(await response.json()) };
}

/** Its verb as a caller sees it: it may answer whenever it likes. */
const groupVerbs: { status: () => unknown } = SymbolGroup.prototype;
const never = () => new Promise<never>(() => {});

describe("readiness when a part hangs", () => {
  it("says so of a database that never answers, in time, and knows the rest", async () => {
    await load([AAPL_GROUP]);
    await shortenBounds();
    postgres.hangs = true;
    expect(await readiness()).toMatchObject({
      http: 503,
      reasons: [expect.stringMatching(/^database: .*(no answer within 3000 ms|timed out)/)],
      groups: { members: 2 },
      database: { migration: null },
    });
    expect(longestMs).toBe(3_000);
  });

  it("names a group that hangs, and all of them as one fault", async () => {
    await shortenBounds();
    vi.spyOn(groupVerbs, "status").mockImplementationOnce(never);
    expect((await readiness()).reasons).toEqual([
      expect.stringMatching(/^g\d\d does not answer: .*no answer within 3000 ms/),
    ]);
    vi.spyOn(groupVerbs, "status").mockImplementation(never);
    expect((await readiness()).reasons).toEqual([
      expect.stringMatching(/^32 groups do not answer \(g00 g01 /),
    ]);
  });

  it("warns of a provider's object and of the monitor", async () => {
    await shortenBounds();
    vi.spyOn(ProviderBreaker.prototype, "snapshot").mockImplementation(never);
    vi.spyOn(SloMonitor.prototype, "pulse").mockImplementation(never);
    const { http, warnings, slo } = await readiness();
    expect([http, slo]).toEqual([200, null]);
    expect(warnings).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^provider alpaca can't be judged: /),
        expect.stringMatching(/^the monitor of service levels does not answer: /),
      ]),
    );
  });

  it("is refused with 503 when the configuration's store hangs, and asks it anew next time", async () => {
    await shortenBounds();
    const pin = vi.spyOn(ConfigStore.prototype, "pin").mockImplementation(never);
    // Bindings of its own: what the store once answered is kept with them.
    const own = { ...env };
    const ask = () =>
      createApp().fetch(
        new Request("https://mds.test/health/ready", {
          headers: { authorization: `Bearer ${KEY}` },
        }),
        own,
      );
    const hung = await ask();
    expect([hung.status, hung.headers.get("retry-after")]).toEqual([503, "5"]);
    expect(await hung.json()).toMatchObject({ code: "unavailable" });
    pin.mockRestore();
    expect((await ask()).status).toBe(200);
  });
});

describe("readiness and the database's migrations", () => {
  it.each([
    ["absent", 503, "no migration has been applied: npm run migrate"],
    [
      "0001_bars",
      503,
      `it has migration 0001_bars, this release needs ${NEWEST_MIGRATION}: npm run migrate`,
    ],
    ["9999_later", 200, null],
  ] as const)("with %s", async (migration, http, says) => {
    await load([AAPL_GROUP]);
    postgres.migration = migration;
    const found = await readiness();
    expect(found.http).toBe(http);
    expect(found.reasons).toEqual(says === null ? [] : [`database: ${says}`]);
    if (says === null)
      expect(found.warnings).toContain(
        `the database has migration 9999_later, later than this release's ${NEWEST_MIGRATION}`,
      );
  });
});

describe("readiness and the cron", () => {
  it("has its last tick, and is not ready when it has been silent for more than five minutes", async () => {
    expect((await readiness()).cron.last_tick_at).toBeNull();
    const scheduledTime = new Date(minute(1));
    const controller = createScheduledController({ scheduledTime, cron: "* * * * *" });
    await worker.scheduled(controller, env, createExecutionContext());
    const ticked = await readiness();
    expect([ticked.http, ticked.cron.last_tick_at]).toEqual([200, expect.any(String)]);
    aheadMs += 5 * MINUTE_MS;
    const silent = await readiness();
    expect(silent.http).toBe(503);
    expect(silent.reasons).toEqual([expect.stringMatching(/^cron: the last tick is \d+ s old$/)]);
  });

  it("is no concern of liveness", async () => {
    postgres.hangs = true;
    const response = await exports.default.fetch("https://mds.test/health");
    expect(await response.json()).toMatchObject({ status: "ok" });
  });
});
