import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import type { CalendarOverride } from "../src/domain/calendar-override.ts";
import { createCalendar } from "../src/domain/calendar.ts";
import { toIso } from "../src/domain/time.ts";
import { loadCsvMarket } from "./market/csv-market.ts";
import type { Market } from "./market/market.ts";
import { createPublication } from "./market/publication.ts";
import { createSyntheticMarket } from "./market/synthetic-market.ts";
import { overridesForFile, sessionsOfFile } from "./session/session-calendar.ts";
import { demoStartMs } from "./stack/demo-start.ts";
import { MarketDriver } from "./stack/driver.ts";
import { endOnSignal } from "./stack/end-on-signal.ts";
import { DEFAULT_SYMBOL_GROUPS, startLocalStack } from "./stack/local-stack.ts";
import { lockStateDir } from "./stack/state-lock.ts";
import {
  DEFAULT_STACK_PLAN,
  parseStackPlan,
  type StackPlan,
  stackPlan,
  stackPlans,
} from "./stack/plans.ts";
import { freePort, isPortFree } from "./stack/runtime.ts";

const SEED = 20_260_320;
const DEFAULT_PORT = 8_787;
const DEFAULT_SYMBOLS = 8_000;
const RETRY_MS = 1_000;
const MAX_RESTARTS = 5;

const USAGE = `npm start -- [options]
  --port N      port of the service (${DEFAULT_PORT}; another one when it is taken)
  --speed X     market seconds a second at most (1)
  --bars FILE   replay a CSV of real bars; default: a synthetic market
  --symbols N   symbols of the synthetic market (${DEFAULT_SYMBOLS})
  --rlc         take the polls from a rate-limit coordinator, started beside the service
  --plan NAME   keys and plans of the providers (${DEFAULT_STACK_PLAN}): ${stackPlans().join(", ")}
  --fresh       forget the data of earlier runs
  --state DIR   where data is kept (.local)`;

const root = fileURLToPath(new URL("..", import.meta.url));

function readOptions() {
  const { values } = parseArgs({
    options: {
      port: { type: "string" },
      speed: { type: "string", default: "1" },
      bars: { type: "string" },
      symbols: { type: "string", default: String(DEFAULT_SYMBOLS) },
      rlc: { type: "boolean", default: false },
      plan: { type: "string", default: DEFAULT_STACK_PLAN },
      fresh: { type: "boolean", default: false },
      state: { type: "string" },
    },
  });
  const speed = Number(values.speed);
  const symbols = Number(values.symbols);
  const port = values.port === undefined ? undefined : Number(values.port);
  if (!(speed > 0)) throw new RangeError("--speed must be a number above 0");
  if (!Number.isInteger(symbols) || symbols < 1 || symbols > 20_000)
    throw new RangeError("--symbols must be 1 to 20000");
  if (port !== undefined && !(Number.isInteger(port) && port > 0 && port < 65_536))
    throw new RangeError("--port must be a port");
  return {
    speed,
    symbols,
    port,
    barsFile: values.bars,
    rlc: values.rlc,
    plan: parseStackPlan(values.plan),
    fresh: values.fresh,
    state: values.state ?? join(root, ".local"),
  };
}

type Options = ReturnType<typeof readOptions>;

function parseOrExplain(): Options | null {
  try {
    return readOptions();
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
    return null;
  }
}

async function choosePort(asked: number | undefined): Promise<number> {
  const port = asked ?? DEFAULT_PORT;
  if (await isPortFree(port)) return port;
  if (asked !== undefined)
    throw new Error(
      `port ${asked} is taken: end what listens there, or choose another with --port`,
    );
  const other = await freePort();
  console.log(`port ${port} is taken, using ${other}`);
  return other;
}

function openMarket(options: Options): {
  market: Market;
  overrides: CalendarOverride[];
  name: string;
  sessionDate: string | null;
} {
  if (options.barsFile === undefined) {
    const market = createSyntheticMarket({ seed: SEED, symbols: options.symbols });
    return { market, overrides: [], name: `synthetic-${options.symbols}`, sessionDate: null };
  }
  const market = loadCsvMarket(options.barsFile);
  const overrides = overridesForFile(market.dates);
  const last = sessionsOfFile(market.dates, overrides).at(-1);
  const name = `file-${options.barsFile.replaceAll(/[^\w.-]+/g, "_").slice(-80)}`;
  return { market, overrides, name, sessionDate: last?.date ?? null };
}

async function main(options: Options): Promise<void> {
  const { market, overrides, name, sessionDate } = openMarket(options);
  const calendar = createCalendar(overrides);
  const endMs = sessionDate === null ? null : (calendar.session(sessionDate)?.postCloseMs ?? null);
  // Objects know keys and what they may: deployments do not share a folder.
  const own = options.plan === DEFAULT_STACK_PLAN ? name : `${name}-${options.plan}`;
  const stateDir = join(options.state, own);
  process.once("exit", lockStateDir(stateDir));
  if (options.fresh) emptyStateDir(stateDir);
  const timeFile = join(stateDir, "market-time.json");
  const startMs = demoStartMs(calendar, Date.now(), readLastTime(timeFile), sessionDate);
  const stack = await startLocalStack({
    root,
    stateDir,
    market,
    publication: createPublication(market, { seed: SEED, lateRate: 0.02, correctedRate: 0.01 }),
    symbolGroups: DEFAULT_SYMBOL_GROUPS,
    startMs,
    pinned: sessionDate !== null,
    calendarOverrides: overrides,
    impolite: false,
    plan: options.plan,
    databaseInMemory: false,
    rlc: options.rlc,
    port: await choosePort(options.port),
    ...(process.env["DATABASE_URL"] === undefined
      ? {}
      : { databaseUrl: process.env["DATABASE_URL"] }),
    onProgress: (line) => console.log(line),
  });
  const stopping = new AbortController();
  endOnSignal(async () => {
    stopping.abort();
    console.log("stopping");
    await stack.stop();
  });
  const driver = new MarketDriver({
    hours: { calendar, sessions: ["regular"] },
    key: stack.key,
    speed: options.speed,
    startMs,
    onTime: (nowMs) => {
      stack.setMarketTime(nowMs);
      writeFileSync(timeFile, JSON.stringify({ now_ms: nowMs }));
    },
  });
  await driver.begin(stack.serviceUrl());
  announce(stack.serviceUrl(), stack.key, startMs, market, options.plan);
  let restarts = 0;
  while (!stopping.signal.aborted) {
    if (endMs !== null && driver.nextInstantMs() > endMs) {
      console.log("the file ends here: market time stands still, the service goes on");
      return;
    }
    try {
      await driver.step(stack.serviceUrl(), Infinity, stopping.signal);
    } catch (error) {
      if (stopping.signal.aborted) return;
      console.error(`market time did not move on: ${messageOf(error)}`);
      await delay(RETRY_MS);
      if (stack.isRuntimeAlive()) continue;
      restarts += 1;
      if (restarts > MAX_RESTARTS)
        throw new Error("the service ended too often: see runtime.log in the state folder");
      console.error("the service has ended: starting it again");
      await stack.restartRuntime();
      await driver.begin(stack.serviceUrl());
    }
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function emptyStateDir(stateDir: string): void {
  for (const entry of readdirSync(stateDir)) {
    if (entry !== "lock") rmSync(join(stateDir, entry), { recursive: true, force: true });
  }
}

function readLastTime(file: string): number | null {
  try {
    const parsed: unknown = JSON.parse(readFileSync(file, "utf8"));
    const now =
      typeof parsed === "object" && parsed !== null && "now_ms" in parsed
        ? Number(parsed.now_ms)
        : Number.NaN;
    return Number.isFinite(now) ? now : null;
  } catch {
    return null;
  }
}

function announce(
  url: string,
  key: string,
  startMs: number,
  market: Market,
  plan: StackPlan,
): void {
  const some = market.symbols
    .slice(0, 2)
    .map((listed) => listed.symbol)
    .join(",");
  const ws = url.replace(/^http/, "ws");
  console.log(`
Market Data Service is up.
  API      ${url}
  stream   ${ws}/v1/stream
  key      ${key}   (made for this run, role ops)
  time     ${toIso(startMs)} (market time)
  plan     ${plan}: ${stackPlan(plan).says}

  wscat -c "${ws}/v1/stream?symbols=${some}" -s mds.v1 -s key.${key}
  curl -H "Authorization: Bearer ${key}" "${url}/v1/bars?symbols=${some}&limit=5"

Ctrl-C ends it.`);
}

const options = parseOrExplain();
if (options === null) {
  process.exitCode = 2;
} else {
  try {
    await main(options);
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    process.exit(1);
  }
}
