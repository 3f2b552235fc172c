import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { judgeReadiness, type Readiness } from "../../src/api/judge-readiness.ts";
import type { ReadinessParts } from "../../src/api/readiness-parts.ts";
import { MINUTE_MS } from "../../src/domain/time.ts";
import { readSettings } from "../../src/env.ts";
import { NEWEST_MIGRATION } from "../../src/postgres/schema-version.ts";
import type { ProviderSnapshot } from "../../src/routing/provider-snapshot.ts";
import type { GroupStatus } from "../../src/symbol-group/group-status.ts";

const NOW = Date.parse("2026-03-20T15:00:00Z");
const GROUP: GroupStatus = {
  group: 0,
  members: 2,
  tiers: { T0: 2, T1: 0, T2: 0 },
  watermarkMs: null,
  epoch: "e",
  headFs: 1,
  drainedFs: 1,
  undrainedOldestMs: null,
  drainFault: null,
  drainNotes: [],
  connections: 3,
  unserved: [],
};
const score = { breaker: 1, latency: 1, error: 1, completeness: 1, h: 1 };
const SNAPSHOT: ProviderSnapshot = {
  configVersion: 1,
  isolated: null,
  credits: { left: 1, perMinute: 1, window: null },
  creditOwner: "alpaca",
  correction: null,
  badSymbols: [],
  capabilities: [
    { capability: "bars_1m", state: "closed", score, entitlement: null, right: "granted" },
  ],
};
const sweeper = { source: "sweeper", rlc_configured: false, since: null } as const;
const WELL: ReadinessParts = {
  database: { ok: true, value: NEWEST_MIGRATION },
  providers: new Map([["alpaca", SNAPSHOT]]),
  jobs: { ok: true, value: { ...sweeper, silent_since: null, reason: null } },
  calendar: { ok: true, value: [] },
  metrics: { ok: true, value: [] },
  config: { reasons: [], warnings: [], view: { in_force: 1, active: 1, fault: null } },
  pulse: {
    ok: true,
    value: {
      lastTickMs: NOW - MINUTE_MS,
      lastSample: { atMs: NOW - 30_000, state: "measured" },
      nextSampleMs: NOW,
    },
  },
  groups: [{ ok: true, value: GROUP }],
};
const pulse = (value: object): Partial<ReadinessParts> => ({
  pulse: WELL.pulse.ok ? { ok: true, value: { ...WELL.pulse.value, ...value } } : WELL.pulse,
});
const group = (value: Partial<GroupStatus>): Partial<ReadinessParts> => ({
  groups: [{ ok: true, value: { ...GROUP, ...value } }],
});
const provider = (value: Partial<ProviderSnapshot>): Partial<ReadinessParts> => ({
  providers: new Map([["alpaca", { ...SNAPSHOT, ...value }]]),
});

function judge(parts: Partial<ReadinessParts> = {}): Readiness {
  const read = readSettings(env);
  if (!read.ok) throw new Error(read.faults.join("; "));
  return judgeReadiness(read.settings, { ...WELL, ...parts }, { marketMs: NOW, wallMs: NOW });
}

describe("readiness", () => {
  it("is given when all parts are well, and says what they said", () => {
    expect(judge()).toEqual({
      ready: true,
      reasons: [],
      warnings: [],
      config: { in_force: 1, active: 1, fault: null },
      jobs: { ...sweeper, silent_since: null, reason: null },
      groups: { members: 2, connections: 3, undrained_oldest_s: null },
      database: { migration: NEWEST_MIGRATION },
      cron: { last_tick_at: "2026-03-20T14:59:00.000Z" },
      slo: {
        last_sample_at: "2026-03-20T14:59:30.000Z",
        next_sample_at: "2026-03-20T15:00:00.000Z",
      },
    });
  });

  it.each<[string, Partial<ReadinessParts>, string]>([
    [
      "a flush that waits",
      group({ undrainedOldestMs: NOW - 301_000 }),
      "a flush has waited 301 s for the database",
    ],
    [
      "a drain that is stuck",
      group({ drainFault: "two services" }),
      "g00 cannot drain: two services",
    ],
    [
      "a cron that is silent",
      pulse({ lastTickMs: NOW - 301_000 }),
      "cron: the last tick is 301 s old",
    ],
    ["a database that is away", { database: { ok: false, error: "away" } }, "database: away"],
  ])("is refused for %s", (_, parts, reason) => {
    expect(judge(parts)).toMatchObject({ ready: false, reasons: [reason] });
  });

  it.each<[string, Partial<ReadinessParts>]>([
    ["a flush on its way", group({ undrainedOldestMs: NOW - 299_000 })],
    ["a cron that was not yet", pulse({ lastTickMs: null })],
    ["a tick that slipped", pulse({ lastTickMs: NOW - 299_000 })],
    ["a sample that is late by an alarm", pulse({ nextSampleMs: NOW - 179_000 })],
    ["a monitor before its first sample", pulse({ lastSample: null, nextSampleMs: 0 })],
    [
      "a breaker that is half open",
      provider({
        capabilities: SNAPSHOT.capabilities.map((one) => ({ ...one, state: "half_open" })),
      }),
    ],
  ])("is neither refused nor warned of for %s", (_, parts) => {
    expect(judge(parts)).toMatchObject({ ready: true, reasons: [], warnings: [] });
  });

  it.each<[string, Partial<ReadinessParts>, string]>([
    [
      "a monitor that is silent",
      pulse({ nextSampleMs: NOW - 181_000 }),
      "the monitor of service levels is silent: a sample is 181 s late",
    ],
    [
      "a monitor that sees nothing",
      pulse({ lastSample: { atMs: NOW, state: "unknown" } }),
      "the service level is unknown: see GET /ops/slo",
    ],
    [
      "an open breaker",
      provider({ capabilities: SNAPSHOT.capabilities.map((one) => ({ ...one, state: "open" })) }),
      "the breaker of alpaca for bars_1m is open",
    ],
    [
      "an isolated provider",
      provider({ isolated: { sinceMs: NOW, reason: null } }),
      "provider alpaca is isolated by hand",
    ],
    [
      "a provider's object",
      { providers: new Map([["alpaca", new Error("gone")]]) },
      "provider alpaca can't be judged: gone",
    ],
    ["a calendar that differs", { calendar: { ok: true, value: ["calendar: x"] } }, "calendar: x"],
    [
      "a universe that is empty",
      group({ members: 0 }),
      "no symbol is served: the universe is empty",
    ],
  ])("warns of %s and is given", (_, parts, warning) => {
    expect(judge(parts)).toMatchObject({ ready: true, reasons: [], warnings: [warning] });
  });
});
