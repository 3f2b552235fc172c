import { createPublication } from "../../dev/market/publication.ts";
import { createSyntheticMarket } from "../../dev/market/synthetic-market.ts";
import { MarketDriver } from "../../dev/stack/driver.ts";
import { type LocalStack, startLocalStack } from "../../dev/stack/local-stack.ts";
import { createCalendar } from "../../src/domain/calendar.ts";
import { MINUTE_MS } from "../../src/domain/time.ts";
import { ROOT } from "./source-tree.ts";

const DATE = "2026-03-20";

/** A local stack of twenty symbols in two groups, an hour into a session, and what steps its market. */
export interface SmallStack {
  readonly stack: LocalStack;
  readonly driver: MarketDriver;
  /** Some minutes of the market, with their polls and reports. */
  goOn(minutes: number): Promise<void>;
}

/** Starts a small stack with its state in a folder; nothing of the market has passed yet. */
export async function startSmallStack(stateDir: string, sloEveryS?: number): Promise<SmallStack> {
  const market = createSyntheticMarket({ seed: 1, symbols: 20 });
  const calendar = createCalendar();
  const session = calendar.session(DATE);
  if (session === undefined) throw new Error(`${DATE} is no trading date`);
  const startMs = session.openMs + 60 * MINUTE_MS;
  const stack = await startLocalStack({
    root: ROOT,
    stateDir,
    market,
    publication: createPublication(market, { seed: 1, lateRate: 0, correctedRate: 0 }),
    symbolGroups: 2,
    startMs,
    pinned: true,
    calendarOverrides: [],
    impolite: false,
    databaseInMemory: true,
    ...(sloEveryS === undefined ? {} : { sloEveryS }),
  });
  const driver = new MarketDriver({
    hours: { calendar, sessions: ["regular"] },
    key: stack.key,
    speed: Infinity,
    startMs,
    onTime: (nowMs) => stack.setMarketTime(nowMs),
  });
  await driver.begin(stack.serviceUrl());
  return {
    stack,
    driver,
    async goOn(minutes) {
      const untilMs = driver.nowMs + minutes * MINUTE_MS;
      while (driver.nowMs < untilMs) await driver.step(stack.serviceUrl(), untilMs);
    },
  };
}
