import type { TaskOf, TaskOutcome } from "../contracts/tasks.ts";
import type { Calendar } from "../domain/calendar.ts";
import { tradingDateOf } from "../domain/new-york-time.ts";
import type { TierPlaces } from "../domain/tier-places.ts";
import { log } from "../platform/log.ts";
import { keepPartialListing, readPartialListing } from "../postgres/listing-store.ts";
import type { SqlClient } from "../postgres/sql-client.ts";
import { hasPlacedTiers } from "../postgres/volume-reads.ts";
import { isPassing } from "../providers/provider-error.ts";
import { type Applied, applyRefresh, storedVolumes } from "./apply-refresh.ts";
import type { AskDeps } from "./ask-provider.ts";
import { type ListingProvider, type ReadList, readList } from "./list-symbols.ts";

const NOTHING_TO_DO: TaskOutcome = { calls: [], selected: [], failures: [], done: true };

/** Who lists symbols, where they go, and who is told. */
export interface UniverseDeps extends AskDeps {
  readonly providers: readonly ListingProvider[];
  readonly sql: SqlClient;
  readonly calendar: Calendar;
  readonly symbolGroups: number;
  /** How many symbols the tiers take; absent: the defaults. */
  readonly places?: TierPlaces;
  /** Tells every group which version stands; answers whether all of them have heard it. */
  readonly push: (version: number) => Promise<boolean>;
}

/**
 * Reads every provider's list (scope `tiers`: none, and only while no tier was ever placed) and brings
 * the universe up to date with them. A list that was not read to its end goes on where it stands when
 * the task comes again; what was read of it counts already, but nobody is missed in it.
 */
export async function refreshFromProviders(
  task: TaskOf<"universe">,
  deps: UniverseDeps,
): Promise<TaskOutcome> {
  if (task.scope === "tiers" && (await hasPlacedTiers(deps.sql))) return NOTHING_TO_DO;
  const lists =
    task.scope === "tiers" ? [] : await Promise.all(deps.providers.map((one) => readOn(one, deps)));
  const read = lists.filter((list) => list !== null);
  const nowMs = deps.market.now();
  const volumes = () => storedVolumes(deps.sql, deps.calendar, nowMs);
  const applied = await applyRefresh(
    { ...deps, nowMs, volumes },
    read.map(({ listing }) => listing),
  );
  tell(applied, read);
  const heard = await deps.push(applied.version);
  return {
    calls: read.flatMap(({ calls }) => [...calls]),
    selected: read.map(({ listing }) => listing.provider),
    failures: read.flatMap(({ listing: { provider }, failure }) =>
      failure === null ? [] : [{ provider, kind: failure.kind, message: failure.message }],
    ),
    done: heard && read.every((list) => !isWorthAnotherTry(list)),
  };
}

/** Goes on with a provider's list and keeps how far it came; null for one that an operator holds back. */
async function readOn(provider: ListingProvider, deps: UniverseDeps): Promise<ReadList | null> {
  const admission = await deps.breaker(provider.id).admission("bars_1d");
  if (admission.state === "isolated") return null;
  const date = tradingDateOf(deps.market.now());
  const from = await readPartialListing(deps.sql, provider.id, date);
  const list = await readList(provider, from, deps);
  const { next, listing, failure } = list;
  // A page that the provider refuses is not asked for again: the list starts over.
  const goesOn = next !== null && failure?.kind !== "bad_request" && failure?.kind !== "not_found";
  if (goesOn || from !== null)
    await keepPartialListing(deps.sql, provider.id, date, goesOn ? { ...listing, next } : null);
  return list;
}

function isWorthAnotherTry({ listing, failure }: ReadList): boolean {
  return !listing.complete && (failure === null || isPassing(failure.kind));
}

/** One line a refresh: what the operator wants to know of it. */
function tell(applied: Applied, read: readonly ReadList[]): void {
  const size = ({ listing: { provider, complete, listed } }: ReadList): string =>
    `${provider} ${listed.length}${complete ? "" : " (not whole)"}`;
  const { merged, rows, changes, version } = applied;
  log("info", "the universe was refreshed", {
    version,
    active: rows.filter(({ active }) => active).length,
    changes: changes.length,
    lists: read.map(size).join(", "),
    collisions: merged.collisions.map(({ kept, dropped }) => `${dropped} is ${kept}`).join(", "),
    test_issues: merged.testIssues.length,
    unmappable: read.reduce((sum, { unmappable }) => sum + unmappable, 0),
  });
}
