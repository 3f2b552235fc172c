import type { SessionKind, TradingSession } from "../../src/domain/calendar.ts";
import type { EpochMs } from "../../src/domain/time.ts";
import { HOUR_MS, MINUTE_MS, toIso } from "../../src/domain/time.ts";
import type { MarketDriver } from "../stack/driver.ts";
import type { LocalStack } from "../stack/local-stack.ts";
import { firstTickMs, lastTickMs } from "../stack/tick-hours.ts";
import type { Audience } from "./audience.ts";
import type { BreakerWatch } from "./breaker-watch.ts";
import type { Disturbances } from "./disturbances.ts";
import type { Stage } from "./stage.ts";

/** What the last tick made due is sent by then; retries of the settle pass come in the night. */
const STAY_AFTER_LAST_TICK_MS = 5 * MINUTE_MS;
/** The settle pass of 07:00 New York is over an hour before the next session opens, retries and all. */
const MORNING_END_BEFORE_OPEN_MS = HOUR_MS;

/** Who looks on, or interferes, at each step. */
export interface Watchers {
  readonly clients: Audience;
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
  while (run.driver.nowMs < endMs) await step(run, endMs);
}

async function playSession(run: Play, session: TradingSession): Promise<void> {
  const { driver, kinds, watchers, say } = run;
  const startMs = driver.nowMs;
  const endMs = lastTickMs(session, kinds) + STAY_AFTER_LAST_TICK_MS;
  let told = 0;
  while (driver.nowMs < endMs) {
    await step(run, endMs);
    await watchers.clients.at(driver.nowMs);
    const done = Math.floor(((driver.nowMs - startMs) / (endMs - startMs)) * 10);
    if (done > told && run.stage.sessions.length === 1) say(`${done * 10} % of the session`);
    told = done;
  }
}

async function step({ stack, driver, watchers, say }: Play, untilMs: EpochMs): Promise<void> {
  if (await watchers.disturbances.before(stack, driver))
    say(`killed and restarted at ${toIso(driver.nowMs)}`);
  else await driver.step(stack.serviceUrl(), untilMs);
  // Nobody made a provider sick: a look a minute shows whether one became so by itself.
  if (watchers.everyStep || driver.nowMs % MINUTE_MS === 0)
    await watchers.breakers.at(driver.nowMs);
}
