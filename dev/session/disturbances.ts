import { setTimeout as delay } from "node:timers/promises";
import type { TradingSession } from "../../src/domain/calendar.ts";
import type { EpochMs } from "../../src/domain/time.ts";
import { MINUTE_MS } from "../../src/domain/time.ts";
import type { LocalStack } from "../stack/local-stack.ts";
import type { MarketDriver } from "../stack/driver.ts";
import { restoreSnapshot, takeSnapshot } from "./set-back.ts";

/** The database goes away this far into the first session. */
const DB_AWAY_FROM_MINUTE = 60;
/** Requests that must have reached the sandbox before the runtime is killed in the middle of a step. */
const IN_FLIGHT_REQUESTS = 3;
const KILL_WAIT_MS = 10_000;
const KILL_POLL_MS = 1;

/** The database is set back this far into the first session. */
const SET_BACK_AT = 0.75;

/** What is asked for: fractions of the first session, and market minutes; 0 is never. */
export interface Disturbance {
  readonly killsAt: readonly number[];
  readonly dbAwayMinutes: number;
  readonly setBackMinutes: number;
}

/** What is done to the stack while a session runs, each once; kills as often as asked for. */
export class Disturbances {
  readonly killsAtMs: readonly EpochMs[];
  #awayFromMs: EpochMs | null;
  #awayUntilMs: EpochMs | null;
  #snapshotAtMs: EpochMs | null;
  #setBackAtMs: EpochMs | null;
  #kills: EpochMs[];

  constructor(session: TradingSession, asked: Disturbance) {
    const { killsAt, dbAwayMinutes, setBackMinutes } = asked;
    this.killsAtMs = killsAt.map((at) => minuteAt(session, at)).toSorted((a, b) => a - b);
    this.#kills = [...this.killsAtMs];
    const setBackAtMs = setBackMinutes > 0 ? minuteAt(session, SET_BACK_AT) : null;
    this.#setBackAtMs = setBackAtMs;
    this.#snapshotAtMs = setBackAtMs === null ? null : setBackAtMs - setBackMinutes * MINUTE_MS;
    const away = dbAwayMinutes > 0 ? session.openMs + DB_AWAY_FROM_MINUTE * MINUTE_MS : null;
    this.#awayFromMs = away;
    this.#awayUntilMs = away === null ? null : away + dbAwayMinutes * MINUTE_MS;
  }

  /** Does what is due before the driver's next step; true when it has taken that step itself. */
  async before(stack: LocalStack, driver: MarketDriver): Promise<boolean> {
    const nextMs = driver.nextInstantMs();
    if (this.#awayFromMs !== null && nextMs >= this.#awayFromMs) {
      stack.database.setAway(true);
      this.#awayFromMs = null;
    }
    if (this.#awayUntilMs !== null && nextMs >= this.#awayUntilMs) {
      stack.database.setAway(false);
      this.#awayUntilMs = null;
    }
    if (this.#snapshotAtMs !== null && nextMs >= this.#snapshotAtMs) {
      await takeSnapshot(stack.database);
      this.#snapshotAtMs = null;
    }
    if (this.#setBackAtMs !== null && nextMs >= this.#setBackAtMs) {
      await restoreSnapshot(stack.database);
      this.#setBackAtMs = null;
    }
    // The instant after a cron minute is a poll: jobs are in flight then.
    const [killMs] = this.#kills;
    if (killMs === undefined || nextMs <= killMs || nextMs % MINUTE_MS === 0) return false;
    this.#kills.shift();
    await killInTheMiddle(stack, driver);
    return true;
  }
}

function minuteAt({ openMs, closeMs }: TradingSession, fraction: number): EpochMs {
  return openMs + Math.floor(((closeMs - openMs) * fraction) / MINUTE_MS) * MINUTE_MS;
}

/** SIGKILL while jobs are in flight (or after them, when they are few), then a restart and the same instant again. */
export async function killInTheMiddle(stack: LocalStack, driver: MarketDriver): Promise<void> {
  const before = requests(stack);
  const step = driver.step(stack.serviceUrl()).then(
    () => "finished" as const,
    () => "broken" as const,
  );
  let isOver = false;
  void step.then(() => (isOver = true));
  const deadline = performance.now() + KILL_WAIT_MS;
  while (!isOver && requests(stack) < before + IN_FLIGHT_REQUESTS) {
    if (performance.now() > deadline) throw new Error("no job was in flight to be killed");
    await delay(KILL_POLL_MS);
  }
  await stack.killRuntime();
  await step;
  await stack.restartRuntime();
  await driver.begin(stack.serviceUrl());
}

function requests(stack: LocalStack): number {
  return stack.sandbox.stats().alpaca.requests;
}
