import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TradingSession } from "../../src/domain/calendar.ts";
import { MINUTE_MS } from "../../src/domain/time.ts";
import { faultScheduleSchema, type ScheduledFault } from "../sandbox/fault.ts";
import { endOnSignal } from "../stack/end-on-signal.ts";
import { MarketDriver } from "../stack/driver.ts";
import { DAILY_SESSIONS, type LocalStack, startLocalStack } from "../stack/local-stack.ts";
import { BreakerWatch } from "./breaker-watch.ts";
import { SessionClients } from "./clients.ts";
import { Disturbances } from "./disturbances.ts";
import type { SessionOptions } from "./options.ts";
import { falseAbsences } from "./false-absences.ts";
import { reconcileDaily } from "./reconcile-daily.ts";
import { reconcile } from "./reconcile.ts";
import { correctedInFlight, report, type SessionReport } from "./report.ts";
import { setTheStage, type Stage, startOf } from "./stage.ts";

/** The settle pass is at close + 20 min, and its jobs may come again for an hour. */
const END_AFTER_CLOSE_MS = 90 * MINUTE_MS;

/** Runs one trading session through the whole stack and reconciles it. */
export async function runSession(
  options: SessionOptions,
  root: string,
  say: (line: string) => void,
): Promise<SessionReport> {
  const stage = setTheStage(options);
  const stateDir = mkdtempSync(join(tmpdir(), "mds-session-"));
  const faults = readFaults(options.faultsFile);
  const place = { root, stateDir, say };
  const stack = await startSessionStack(options, stage, faults, place);
  endOnSignal(() => stack.stop());
  try {
    const startedMs = performance.now();
    const symbols = stage.market.symbols.map((listed) => listed.symbol);
    const clients = new SessionClients(stack, symbols, options.clients);
    const driver = new MarketDriver({
      calendar: stage.calendar,
      key: stack.key,
      speed: options.speed,
      startMs: startOf(stage.session),
      onTime: (nowMs) => stack.setMarketTime(nowMs),
    });
    const disturbances = new Disturbances(stage.session, options.killAt, options.dbAwayMinutes);
    const breakers = new BreakerWatch(stack);
    const watchers = { clients, disturbances, breakers, everyStep: faults.length > 0 };
    await drive(stack, driver, stage.session, watchers, say);
    await clients.catchUp(stack);
    const wallMs = performance.now() - startedMs;
    const found = await reconcile({ ...stack, ...stage });
    const daily = await reconcileDaily({
      ...stack,
      ...stage,
      nowMs: driver.nowMs,
      sessionsBefore: DAILY_SESSIONS,
    });
    const stream = clients.result(found.beliefs);
    const mostNoTrade = clients.mostNoTrade();
    const said = { ...stage, symbolGroups: options.groups, mostNoTrade };
    clients.close();
    const metrics = await scrape(stack);
    const speed = (driver.nowMs - stage.session.openMs) / wallMs;
    const inFlight = correctedInFlight(stage.publication, symbols, disturbances.killAtMs);
    return report({
      faulty: options.faultsFile !== null,
      symbols: symbols.length,
      found,
      daily,
      stream,
      noTradeFromEmpty: falseAbsences(said),
      metrics,
      breakers: breakers.paths(faults, stage.session.openMs),
      speed,
      wallMs,
      inFlight,
    });
  } finally {
    await stack.stop();
    rmSync(stateDir, { recursive: true, force: true });
  }
}

async function startSessionStack(
  options: SessionOptions,
  stage: Stage,
  faults: readonly ScheduledFault[],
  place: { root: string; stateDir: string; say: (line: string) => void },
): Promise<LocalStack> {
  const databaseUrl = process.env["DATABASE_URL"];
  return await startLocalStack({
    root: place.root,
    stateDir: place.stateDir,
    ...stage,
    symbolGroups: options.groups,
    startMs: startOf(stage.session),
    pinned: options.barsFile !== null,
    calendarOverrides: stage.overrides,
    faults,
    faultOriginMs: stage.session.openMs,
    impolite: true,
    quoteEveryS: options.quoteEveryS,
    databaseInMemory: true,
    rlc: options.rlc,
    ...(databaseUrl === undefined ? {} : { databaseUrl }),
    onProgress: place.say,
  });
}

function readFaults(file: string | null): readonly ScheduledFault[] {
  return file === null ? [] : faultScheduleSchema.parse(JSON.parse(readFileSync(file, "utf8")));
}

/** Who looks on, or interferes, at each step. */
interface Watchers {
  readonly clients: SessionClients;
  readonly disturbances: Disturbances;
  readonly breakers: BreakerWatch;
  /** Whether the breakers are looked at after each step. */
  readonly everyStep: boolean;
}

async function drive(
  stack: LocalStack,
  driver: MarketDriver,
  session: TradingSession,
  { clients, disturbances, breakers, everyStep }: Watchers,
  say: (line: string) => void,
): Promise<void> {
  const endMs = session.closeMs + END_AFTER_CLOSE_MS;
  // The first tick reads the universe, so that clients find their symbols.
  while (driver.nowMs < session.openMs - MINUTE_MS) await driver.step(stack.serviceUrl());
  await clients.connect();
  let told = 0;
  while (driver.nowMs < endMs) {
    if (await disturbances.before(stack, driver))
      say(`killed and restarted at ${new Date(driver.nowMs).toISOString()}`);
    else await driver.step(stack.serviceUrl(), endMs);
    await clients.at(driver.nowMs);
    // Nobody made a provider sick: a look a minute shows whether one became so by itself.
    if (everyStep || driver.nowMs % MINUTE_MS === 0) await breakers.at(driver.nowMs);
    const done = Math.floor(((driver.nowMs - session.openMs) / (endMs - session.openMs)) * 10);
    if (done > told) {
      told = done;
      say(`${done * 10} % of the session`);
    }
  }
}

async function scrape(stack: LocalStack): Promise<string> {
  const response = await fetch(`${stack.serviceUrl()}/metrics`, {
    headers: { authorization: `Bearer ${stack.key}` },
  });
  return await response.text();
}
