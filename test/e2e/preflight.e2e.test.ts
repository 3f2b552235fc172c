import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { createPublication } from "../../dev/market/publication.ts";
import { createSyntheticMarket } from "../../dev/market/synthetic-market.ts";
import { MarketDriver } from "../../dev/stack/driver.ts";
import { type LocalStack, startLocalStack } from "../../dev/stack/local-stack.ts";
import { createCalendar } from "../../src/domain/calendar.ts";
import { MINUTE_MS } from "../../src/domain/time.ts";
import { NEWEST_MIGRATION } from "../../src/postgres/schema-version.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const SEED = 20_260_320;
const SYMBOLS = 60;
/** Readiness is kept so long by the service. */
const READINESS_TTL_MS = 10_000;

const preflightSchema = z.object({
  checks: z.array(z.object({ name: z.string(), state: z.string(), reason: z.string() })),
});

let stack: LocalStack | null = null;
let stateDir = "";

/** The stack, five minutes after the open: ticks have come, a sample was taken. */
async function startStack(): Promise<LocalStack> {
  stateDir = mkdtempSync(join(tmpdir(), "mds-preflight-"));
  const market = createSyntheticMarket({ seed: SEED, symbols: SYMBOLS });
  const calendar = createCalendar();
  const { openMs } = calendar.previousSession(Date.UTC(2026, 2, 20, 22));
  const started = await startLocalStack({
    root,
    stateDir,
    market,
    publication: createPublication(market, { seed: SEED, lateRate: 0, correctedRate: 0 }),
    symbolGroups: 4,
    startMs: openMs,
    pinned: true,
    calendarOverrides: [],
    impolite: false,
    databaseInMemory: true,
  });
  stack = started;
  const driver = new MarketDriver({
    hours: { calendar, sessions: ["regular"] },
    key: started.key,
    speed: Infinity,
    startMs: openMs,
    onTime: (nowMs) => started.setMarketTime(nowMs),
  });
  await driver.begin(started.serviceUrl());
  const untilMs = openMs + 5 * MINUTE_MS + 1;
  while (driver.nowMs < untilMs) await driver.step(started.serviceUrl(), untilMs);
  return started;
}

/** `npm run NAME -- …` as a person runs it. */
function command(name: string, key: string, url: string, ...more: string[]) {
  const args = [
    join(root, "dev/start.mjs"),
    name,
    `--url=${url}`,
    "--key-env=KEY_OF_TEST",
    ...more,
  ];
  return new Promise<{ code: number; stdout: string }>((resolve) => {
    const env = { ...process.env, KEY_OF_TEST: key };
    execFile(process.execPath, args, { cwd: root, env }, (error, stdout) =>
      resolve({ code: error === null ? 0 : Number(error.code), stdout }),
    );
  });
}

async function preflight(key: string, url: string) {
  const { code, stdout } = await command("preflight", key, url, "--json");
  expect(stdout).not.toContain(key);
  const { checks } = preflightSchema.parse(JSON.parse(stdout));
  const states = new Map(checks.map(({ name, state, reason }) => [name, `${state}: ${reason}`]));
  const failed = checks.filter(({ state }) => state === "fail").map(({ name }) => name);
  return { code, states, failed };
}

beforeAll(async () => {
  await startStack();
});
afterAll(async () => {
  await stack?.stop();
  rmSync(stateDir, { recursive: true, force: true });
});

function running() {
  if (stack === null) throw new Error("the stack is not up");
  return { key: stack.key, url: stack.serviceUrl(), database: stack.database };
}

describe("npm run preflight and npm run probe, against the local stack", () => {
  it("find it fit, and say what can't be seen here", async () => {
    const { key, url } = running();
    const { code, states, failed } = await preflight(key, url);
    expect(failed).toEqual([]);
    expect(code).toBe(0);
    expect(states.get("database migrations")).toBe(`ok: ${NEWEST_MIGRATION} is the newest`);
    expect(states.get("cron")).toMatch(/^ok: the last tick is \d+ s old$/);
    expect(states.get("WebSocket probe")).toMatch(/^ok: open \d+ ms/);
    expect(states.get("SLO monitor")).toMatch(/^ok: last sample /);
    expect(states.get("secrets at Cloudflare")).toBe("unknown: a local stack is in no account");
    const probe = await command("probe", key, url);
    expect([probe.code, probe.stdout.includes("the stream works")]).toEqual([0, true]);
  });

  it("see a key that is refused", async () => {
    const { url } = running();
    const { code, states } = await preflight("not-the-key-of-this-stack", url);
    expect(code).toBe(1);
    expect(states.get("variables and secrets")).toBe("fail: the key is refused");
    expect(states.get("WebSocket probe")).toMatch(/^fail: the upgrade was answered with 401/);
    expect((await command("probe", "not-the-key", url)).code).toBe(1);
  });

  it("see a database that lacks the newest migration", async () => {
    const { database, key, url } = running();
    await database.query("delete from schema_migrations where name = $1", [NEWEST_MIGRATION]);
    // What the service keeps of the last answer has to age.
    await expect
      .poll(async () => (await preflight(key, url)).failed, {
        timeout: 4 * READINESS_TTL_MS,
        interval: READINESS_TTL_MS / 4,
      })
      .toEqual(["database migrations", "ready"]);
  });
});
