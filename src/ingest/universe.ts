import { tierPlacesOf } from "../contracts/config.ts";
import type { TaskOf, TaskOutcome } from "../contracts/tasks.ts";
import { calendarOf, type Settings } from "../env.ts";
import { errorText, log } from "../platform/log.ts";
import { symbolGroupStub } from "../platform/stubs.ts";
import { sqlClientOf } from "../postgres/service-client.ts";
import { configuredProviders } from "../providers/registry.ts";
import { hasSymbolList } from "./list-symbols.ts";
import { refreshFromProviders } from "./refresh-from-providers.ts";
import { workerDeps } from "./worker-deps.ts";

/** The whole universe is read and written at once; nobody waits for it. */
const FETCH_TIMEOUT_MS = 60_000;

/** The task `universe`, with the world that it acts on. */
export async function runUniverse(
  task: TaskOf<"universe">,
  settings: Settings,
  env: Env,
): Promise<TaskOutcome> {
  return await refreshFromProviders(task, {
    providers: configuredProviders(settings).filter(hasSymbolList),
    sql: sqlClientOf(settings, FETCH_TIMEOUT_MS),
    calendar: calendarOf(settings),
    symbolGroups: settings.symbolGroups,
    places: tierPlacesOf(settings.config),
    ...workerDeps(settings, env),
    push: (version) => pushUniverse(version, settings, env),
  });
}

/** Tells every group which version of the universe stands; whoever does not hear it reads it next session. */
export async function pushUniverse(
  version: number,
  settings: Pick<Settings, "symbolGroups">,
  env: Env,
): Promise<boolean> {
  const told = await Promise.allSettled(
    Array.from({ length: settings.symbolGroups }, (_, group) =>
      symbolGroupStub(env, group).universeChanged(version),
    ),
  );
  const deaf = told.filter((result) => result.status === "rejected");
  if (deaf.length > 0) {
    log("warn", "groups did not hear of the universe", {
      version,
      groups: deaf.length,
      error: errorText(deaf[0]?.reason),
    });
  }
  return deaf.length === 0;
}
