import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { faultScheduleSchema, type ScheduledFault } from "../sandbox/fault.ts";
import { endOnSignal } from "../stack/end-on-signal.ts";
import { MarketDriver } from "../stack/driver.ts";
import { type LocalStack, startLocalStack } from "../stack/local-stack.ts";
import { Audience } from "./audience.ts";
import { BreakerWatch } from "./breaker-watch.ts";
import { ChurnCrowd } from "./churn/churn-crowd.ts";
import { SessionClients } from "./clients.ts";
import { Disturbances } from "./disturbances.ts";
import { findOut } from "./find-out.ts";
import { killsOf, type SessionOptions } from "./options.ts";
import { play } from "./play.ts";
import { correctedInFlight, report, type SessionReport } from "./report.ts";
import { setTheStage, type Stage, startOf } from "./stage.ts";

/** Runs trading sessions through the whole stack and reconciles them. */
export async function runSession(
  options: SessionOptions,
  root: string,
  say: (line: string) => void,
): Promise<SessionReport> {
  const stage = setTheStage(options);
  const stateDir = mkdtempSync(join(tmpdir(), "mds-session-"));
  const faults = readFaults(options.faultsFile);
  const stack = await startSessionStack(options, stage, faults, { root, stateDir, say });
  endOnSignal(() => stack.stop());
  try {
    const startedMs = performance.now();
    const symbols = stage.market.symbols.map((listed) => listed.symbol);
    const driver = new MarketDriver({
      hours: { calendar: stage.calendar, sessions: options.sessions },
      key: stack.key,
      speed: options.speed,
      startMs: startOf(stage.first, options.sessions),
      onTime: (nowMs) => stack.setMarketTime(nowMs),
    });
    const disturbances = new Disturbances(stage.first, { ...options, killsAt: killsOf(options) });
    const watchers = {
      clients: audienceOf(options, stage, stack, disturbances),
      disturbances,
      breakers: new BreakerWatch(stack),
      everyStep: faults.length > 0,
    };
    await play({ stack, driver, stage, kinds: options.sessions, watchers, say });
    const wallMs = performance.now() - startedMs;
    const outcome = await findOut({ options, stack, stage, driver, watchers, faults });
    return report({
      ...outcome,
      faulty: options.faultsFile !== null,
      symbols: symbols.length,
      speed: playedMs(stage) / wallMs,
      wallMs,
      inFlight: correctedInFlight(stage.publication, symbols, disturbances.killsAtMs),
    });
  } finally {
    await stack.stop();
    rmSync(stateDir, { recursive: true, force: true });
  }
}

/** With churn, one client stays, to see what all are to see, and the others come and go. */
function audienceOf(
  options: SessionOptions,
  { market, sessions, first }: Stage,
  stack: LocalStack,
  { killsAtMs }: Disturbances,
): Audience {
  const universe = market.symbols.map((listed) => listed.symbol);
  if (!options.churn || options.clients === 0)
    return new Audience(new SessionClients(stack, universe, options.clients), null);
  const crowd = new ChurnCrowd({
    stack,
    universe,
    seed: options.seed,
    clients: options.clients - 1,
    symbolGroups: options.groups,
    times: sessions.map((session) => ({
      startMs: session.openMs,
      endMs: session.closeMs,
      restartsAtMs: session === first ? killsAtMs : [],
    })),
  });
  return new Audience(new SessionClients(stack, universe, 1), crowd);
}

/** Market time in which the market was open: what a speed is of. */
function playedMs({ sessions }: Stage): number {
  return sessions.reduce((sum, { openMs, closeMs }) => sum + closeMs - openMs, 0);
}

async function startSessionStack(
  options: SessionOptions,
  stage: Stage,
  faults: readonly ScheduledFault[],
  place: { root: string; stateDir: string; say: (line: string) => void },
): Promise<LocalStack> {
  const databaseUrl = process.env["DATABASE_URL"];
  const { market, publication } = stage;
  return await startLocalStack({
    root: place.root,
    stateDir: place.stateDir,
    market,
    publication,
    symbolGroups: options.groups,
    startMs: startOf(stage.first, options.sessions),
    pinned: options.barsFile !== null,
    calendarOverrides: stage.overrides,
    sessions: options.sessions,
    coldStartSessions: options.coldStart,
    faults,
    faultOriginMs: stage.first.openMs,
    rateLimits: false,
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
