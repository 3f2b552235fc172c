import type { Settings } from "../env.ts";
import { marketClock } from "../platform/clocks.ts";
import { backfillQueueStub } from "../platform/stubs.ts";
import { storeDeadLetters } from "../postgres/dead-letter-store.ts";
import { sqlClientOf } from "../postgres/service-client.ts";
import type { DeadLetterDeps } from "./dead-letter-consumer.ts";

/** What a Worker consumes dead letters with: the database and the queues of the tiers. */
export function letterDeps(settings: Settings, env: Env): DeadLetterDeps {
  const sql = sqlClientOf(settings);
  return {
    store: async (letters) => await storeDeadLetters(sql, letters, marketClock.now()),
    confirm: async (tier, deaths) => await backfillQueueStub(env, tier).confirmDead(deaths),
    random: () => Math.random(),
  };
}
