import type { JobSourceAct } from "../domain/job-source.ts";
import { coldStartMs } from "../domain/session-ahead.ts";
import { calendarOf, type Settings } from "../env.ts";
import { marketClock } from "../platform/clocks.ts";
import { backfillQueueStub, symbolGroupStub } from "../platform/stubs.ts";
import { readTiers } from "../postgres/override-store.ts";
import { sqlClientOf } from "../postgres/service-client.ts";
import { policyProviders } from "../providers/registry.ts";
import { SERVICE_GROUP } from "../symbol-group/service-duties.ts";
import { fetchQuotes } from "./quotes.ts";
import { doBeside } from "./rlc-beside.ts";
import { createRlcClient } from "./rlc-client.ts";
import { rlcRound } from "./rlc-round.ts";

/** Beliefs reach back so far; what is older is not fetched live. */
const LIVE_SESSIONS = 5;

/** One round with the deployment's coordinator; without one the minute is the sweeper's. */
export async function askCoordinator(settings: Settings, env: Env): Promise<JobSourceAct> {
  const { rlc, symbolGroups, environment } = settings;
  if (rlc === null) return "sweep";
  const desk = symbolGroupStub(env, SERVICE_GROUP);
  return await rlcRound({
    client: createRlcClient({
      ...rlc,
      worker: `market-data-service ${environment}`,
      fetch: (url, init) => fetch(url, init),
    }),
    desk: {
      begin: () => desk.rlcBegin(),
      hear: (claim) => desk.rlcHeard(claim),
      partEnded: (end) => desk.partEnded(end),
      answered: (ids) => desk.rlcAnswered(ids),
    },
    doBeside: (job) =>
      doBeside(job, {
        symbolGroups,
        readTiers: (symbols) => readTiers(sqlClientOf(settings), symbols),
        offer: async (tier, holes) =>
          (await backfillQueueStub(env, tier).offer(holes, "ops")).taken,
        servesQuotes: policyProviders(settings, "quotes_l1").length > 0,
        sweepQuotes: (symbols) => fetchQuotes(symbols, settings, env),
      }),
    queue: {
      rules: { calendar: calendarOf(settings), sessions: settings.config.sessions },
      depthDays: settings.config.backfill.depth_days,
    },
    handOver: (group, parts) => symbolGroupStub(env, group).takeParts(parts),
    symbolGroups,
    now: () => marketClock.now(),
    oldestMs: coldStartMs(calendarOf(settings), marketClock.now(), LIVE_SESSIONS),
  });
}
