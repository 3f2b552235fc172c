import type { ScheduledFault } from "../sandbox/fault.ts";
import type { EpochMs } from "../../src/domain/time.ts";
import type { MarketDriver } from "../stack/driver.ts";
import { DAILY_SESSIONS, type LocalStack } from "../stack/local-stack.ts";
import { PAID_POLICY_BARS_1M } from "../stack/plans.ts";
import { drainOf, outageOf } from "./drain.ts";
import { falseAbsences } from "./false-absences.ts";
import { countGaps, gapsOutsideSessions, readGaps } from "./gap-events.ts";
import type { SessionOptions } from "./options.ts";
import type { Watchers } from "./play.ts";
import { reconcileDaily } from "./reconcile-daily.ts";
import { reconcile } from "./reconcile.ts";
import type { Outcome } from "./report.ts";
import type { Stage } from "./stage.ts";

/** A run that was played, and whoever knows something of it. */
export interface Played {
  readonly options: SessionOptions;
  readonly stack: LocalStack;
  readonly stage: Stage;
  readonly driver: MarketDriver;
  readonly watchers: Watchers;
  readonly faults: readonly ScheduledFault[];
}

/** What was measured from outside, and not found out afterwards. */
type Measured = "faulty" | "symbols" | "speed" | "wallMs" | "inFlight";

/** Finds out what a run came to: from Postgres, the clients, the sandbox and the metrics. Closes the clients. */
export async function findOut(played: Played): Promise<Omit<Outcome, Measured>> {
  const { options, stack, stage, driver, watchers, faults } = played;
  const { clients, breakers } = watchers;
  const { database } = stack;
  const found = await reconcile({ database, ...stage, kinds: options.sessions });
  const daily = await reconcileDaily({
    database,
    ...stage,
    nowMs: driver.nowMs,
    sessionsBefore: DAILY_SESSIONS,
  });
  const stream = await clients.result(livesOf(found.beliefs, stage.first.openMs));
  const noTradeFromEmpty = falseAbsences({
    ...stage,
    sessions: [...stage.before, ...stage.sessions],
    symbolGroups: options.groups,
    mostNoTrade: clients.mostNoTrade(),
  });
  const onStream = clients.gapEvents();
  clients.close();
  const gaps = await readGaps(database);
  const outage = outageOf(faults, PAID_POLICY_BARS_1M, stage.first.openMs);
  return {
    found,
    daily,
    stream,
    noTradeFromEmpty,
    gaps: {
      stored: countGaps(gaps),
      outsideSessions: gapsOutsideSessions(gaps, stage.calendar),
      onStream,
    },
    drain: outage === null ? null : drainOf(gaps, outage),
    // What a new deployment is filled with was over before it began.
    askedAfterSettle: options.coldStart > 0 ? 0 : askedAfterSettle(stack),
    metrics: await scrape(stack),
    breakers: breakers.paths(faults, stage.first.openMs),
  };
}

/** Beliefs about what was played: what was over before came before the clients did. */
function livesOf(beliefs: ReadonlySet<string>, fromMs: EpochMs): Set<string> {
  return new Set([...beliefs].filter((key) => Number(key.split(" ")[1]) >= fromMs));
}

function askedAfterSettle({ sandbox }: LocalStack): number {
  return Object.values(sandbox.stats()).reduce((sum, stats) => sum + stats.askedAfterSettle, 0);
}

async function scrape(stack: LocalStack): Promise<string> {
  const response = await fetch(`${stack.serviceUrl()}/metrics`, {
    headers: { authorization: `Bearer ${stack.key}` },
  });
  return await response.text();
}
