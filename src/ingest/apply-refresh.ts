import type { Calendar } from "../domain/calendar.ts";
import type { ProviderListing } from "../domain/merge-listings.ts";
import { tradingDateOf } from "../domain/new-york-time.ts";
import { MAX_GROUP_MEMBERS } from "../domain/roster.ts";
import { lastSessionDates } from "../domain/session-ahead.ts";
import { groupName, groupOf } from "../domain/symbol.ts";
import { type TierPlaces, VOLUME_SESSIONS } from "../domain/tier-places.ts";
import type { EpochMs } from "../domain/time.ts";
import { type Refreshed, refreshUniverse } from "../domain/universe.ts";
import type { UniverseRow } from "../domain/universe-row.ts";
import { readPins } from "../postgres/override-store.ts";
import type { SqlClient } from "../postgres/sql-client.ts";
import { readUniverse, writeUniverse } from "../postgres/universe-refresh-store.ts";
import { readMedianVolumes } from "../postgres/volume-reads.ts";

/** Refreshes that came in between before this one gives up; the task comes again. */
const MAX_TRIES = 5;

/** What a refresh works on. */
export interface ApplyDeps {
  readonly sql: SqlClient;
  readonly symbolGroups: number;
  /** How many symbols the tiers take; absent: the defaults. */
  readonly places?: TierPlaces;
  readonly nowMs: EpochMs;
  /** Median dollar volumes by symbol; see `RefreshInput.volumes`. */
  readonly volumes: () => Promise<ReadonlyMap<string, number>>;
}

/** The universe as a refresh left it: `version` is the number of its last change. */
export interface Applied extends Refreshed {
  readonly version: number;
}

/**
 * Brings the universe up to date with what the providers list (nothing: only tiers are placed) and
 * writes it in one transaction. Throws, and writes nothing, when a symbol group would grow beyond its
 * bound.
 */
export async function applyRefresh(
  deps: ApplyDeps,
  listings: readonly ProviderListing[],
): Promise<Applied> {
  const { sql, symbolGroups, nowMs, places } = deps;
  const date = tradingDateOf(nowMs);
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    const { version, rows } = await readUniverse(sql);
    const [volumes, pins] = [await deps.volumes(), await readPins(sql)];
    const refreshed = refreshUniverse({
      rows,
      listings,
      volumes,
      pins,
      date,
      ...(places === undefined ? {} : { places }),
    });
    requireRoom(refreshed.rows, symbolGroups);
    const known = new Map(rows.map((row) => [row.symbol, row]));
    const written = await writeUniverse(sql, {
      version,
      rows: refreshed.rows.filter((row) => differs(row, known.get(row.symbol))),
      changes: refreshed.changes,
      symbolGroups,
      nowMs,
      date,
    });
    if (written !== null) return { ...refreshed, version: written };
  }
  throw new Error("the universe is being changed by others: the refresh could not be written");
}

/** Volumes of the last 20 sessions that are over, from the stored daily bars. */
export async function storedVolumes(
  sql: SqlClient,
  calendar: Calendar,
  nowMs: EpochMs,
): Promise<ReadonlyMap<string, number>> {
  const [first] = lastSessionDates(calendar, nowMs, VOLUME_SESSIONS);
  return first === undefined ? new Map() : await readMedianVolumes(sql, first);
}

/** A symbol keeps its place in its group for ever, so those that left count too. */
function requireRoom(rows: readonly UniverseRow[], symbolGroups: number): void {
  const sizes = new Map<number, number>();
  for (const { symbol } of rows) {
    const group = groupOf(symbol, symbolGroups);
    sizes.set(group, (sizes.get(group) ?? 0) + 1);
  }
  for (const [group, size] of sizes) {
    if (size <= MAX_GROUP_MEMBERS) continue;
    const name = groupName(group);
    throw new RangeError(
      `${rows.length} symbols are too many for ${symbolGroups} groups: ${name} would have ${size}, of at most ${MAX_GROUP_MEMBERS}`,
    );
  }
}

function differs(row: UniverseRow, known: UniverseRow | undefined): boolean {
  if (known === undefined) return true;
  const before = new Map<string, unknown>(Object.entries(known));
  return Object.entries(row).some(([key, value]) => before.get(key) !== value);
}
