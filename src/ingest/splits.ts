import type { TaskOutcome } from "../contracts/tasks.ts";
import type { Settings } from "../env.ts";
import { sqlClientOf } from "../postgres/service-client.ts";
import { configuredProviders } from "../providers/registry.ts";
import { hasSplits, readSplitsFrom } from "./read-splits.ts";
import { workerDeps } from "./worker-deps.ts";

/** The task `splits`, with the world that it acts on. */
export async function runSplits(settings: Settings, env: Env): Promise<TaskOutcome> {
  return await readSplitsFrom({
    providers: configuredProviders(settings).filter(hasSplits),
    sql: sqlClientOf(settings),
    ...workerDeps(settings, env),
  });
}
