import type { Calendar } from "../domain/calendar.ts";
import type { EpochMs } from "../domain/time.ts";
import { coldStartMs, sessionAhead } from "../domain/session-ahead.ts";
import type { Ledger } from "./ledger.ts";
import type { ListedMember } from "./member-store.ts";

/** Whose members are read, from where, and how far back a new one is expected. */
export interface MemberRefresh {
  readonly ledger: Ledger;
  readonly calendar: Calendar;
  readonly coldStartSessions: number;
  readonly load: () => Promise<readonly ListedMember[]>;
}

/**
 * Reads the group's members from the universe, once for each session ahead. Rejects when the universe
 * cannot be read: the known members stay and the next tick tries again.
 */
export async function refreshMembers(refresh: MemberRefresh, nowMs: EpochMs): Promise<void> {
  const { ledger, calendar } = refresh;
  const ahead = sessionAhead(calendar, nowMs);
  if (ledger.meta.get("members_date") === ahead.date) return;
  const listed = await refresh.load();
  // An empty list may be a universe that is not there yet: never a reason to drop all, and asked for
  // again while the market is open (an idle database is left asleep at night).
  if (listed.length > 0)
    ledger.replaceMembers(listed, coldStartMs(calendar, nowMs, refresh.coldStartSessions));
  if (listed.length > 0 || nowMs < ahead.openMs) ledger.meta.set("members_date", ahead.date);
}
