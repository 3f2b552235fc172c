import type { SessionKind, TradingSession } from "../../src/domain/calendar.ts";
import type { EpochMs } from "../../src/domain/time.ts";
import { HOUR_MS, MINUTE_MS, toIso } from "../../src/domain/time.ts";
import type { MarketDriver } from "../stack/driver.ts";
import type { LocalStack } from "../stack/local-stack.ts";
import { firstTickMs, lastTickMs } from "../stack/tick-hours.ts";
import type { BreakerWatch } from "./breaker-watch.ts";
import type { SessionClients } from "./clients.ts";
import type { Disturbances } from "./disturbances.ts";
import type { Stage } from "./stage.ts";

/** The settle pass is at close + 20 min, and its jobs may come again for an hour. */
const END_AFTER_CLOSE_MS = 90 * MINUTE_MS;
/** It comes again at 07:00 New York of the next session; an hour before that one opens it is over. */
const MORNING_END_BEFORE_OPEN_MS = HOUR_MS;

/** Who looks on, or interferes, at each step. */
export interface Watchers {
  readonly clients: SessionClients;
  readonly disturbances: Disturbances;
  readonly breakers: BreakerWatch;
  /** Whether the breakers are looked at after each step. */
  readonly everyStep: boolean;
}

/** What is played, on which stack. */
export interface Play {
  readonly stack: LocalStack;
  readonly driver: MarketDriver;
  readonly stage: Stage;
  readonly kinds: readonly SessionKind[];
  readonly watchers: Watchers;
  readonly say: (line: string) => void;
}

/**
 * Plays the sessions, and after each the night with the settle pass of the morning. Clients are there
 * while the market is; at the end they come back once more, to read what the last morning brought.
 */
export async function play(run: Play): Promise<void> {
  const { stack, stage, kinds, watchers } = run;
  await stepUntil(run, firstTickMs(stage.first, kinds));
  for (const [at, session] of stage.sessions.entries()) {
    // The first tick has read the universe, so that clients find their symbols.
    await watchers.clients.connect();
    await playSession(run, session);
    await watchers.clients.catchUp(stack);
    await watchers.clients.leave();
    await stepUntil(run, nightEndMs(run, session));
    if (stage.sessions.length > 1)
      run.say(`${session.date}: ${at + 1} of ${stage.sessions.length}`);
  }
  await watchers.clients.connect();
  await watchers.clients.catchUp(stack);
}

function nightEndMs({ stage, kinds }: Play, session: TradingSession): EpochMs {
  const next = stage.calendar.nextSession(session.closeMs);
  return session === stage.last
    ? next.openMs - MORNING_END_BEFORE_OPEN_MS
    : firstTickMs(next, kinds);
}

async function stepUntil(run: Play, endMs: EpochMs): Promise<void> {
  while (run.driver.nowMs < endMs) {
    await run.driver.step(run.stack.serviceUrl(), endMs);
    await look(run);
  }
}

/** Nobody made a provider sick: a look a minute shows whether one became so by itself. */
async function look({ driver, watchers }: Play): Promise<void> {
  if (watchers.everyStep || driver.nowMs % MINUTE_MS === 0)
    await watchers.breakers.at(driver.nowMs);
}

async function playSession(run: Play, session: TradingSession): Promise<void> {
  const { stack, driver, kinds, watchers, say } = run;
  const startMs = driver.nowMs;
  const endMs = Math.max(session.closeMs + END_AFTER_CLOSE_MS, lastTickMs(session, kinds));
  let told = 0;
  while (driver.nowMs < endMs) {
    if (await watchers.disturbances.before(stack, driver))
      say(`killed and restarted at ${toIso(driver.nowMs)}`);
    else await driver.step(stack.serviceUrl(), endMs);
    await watchers.clients.at(driver.nowMs);
    await look(run);
    const done = Math.floor(((driver.nowMs - startMs) / (endMs - startMs)) * 10);
    if (done > told && run.stage.sessions.length === 1) say(`${done * 10} % of the session`);
    told = done;
  }
}
