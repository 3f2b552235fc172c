import type { ListedMember } from "../domain/roster.ts";
import { coldStartMs, sessionAhead } from "../domain/session-ahead.ts";
import type { EpochMs } from "../domain/time.ts";
import type { GroupRules } from "./group-rules.ts";
import type { Ledger } from "./ledger.ts";

/** Whose members are read, from where, and by which rules. */
export interface GroupMembersDeps {
  readonly ledger: Ledger;
  readonly rules: () => GroupRules;
  readonly renewRules: () => Promise<void>;
  readonly loadMembers: () => Promise<readonly ListedMember[]>;
  /** Told when the new members made flushes. */
  readonly onAppended: () => void;
}

/** The members of a group as the universe has them: read when it says so, and once for each session ahead. */
export class GroupMembers {
  #deps: GroupMembersDeps;
  /** One reading after the other: an answer that was asked for earlier never replaces a later one. */
  #reading: Promise<void> = Promise.resolve();

  constructor(deps: GroupMembersDeps) {
    this.#deps = deps;
  }

  /**
   * Reads the members once for each session ahead. Rejects when the universe cannot be read: the known
   * members stay and the next tick tries again.
   */
  refresh(nowMs: EpochMs): Promise<void> {
    const { ledger } = this.#deps;
    const ahead = sessionAhead(this.#deps.rules().calendar, nowMs);
    return this.#inTurn(async () => {
      if (ledger.meta.get("members_date") === ahead.date) return;
      const listed = await this.#load();
      // An empty list may be a universe that is not there yet: never a reason to drop all, and asked for
      // again while the market is open (an idle database is left asleep at night).
      if (listed.length > 0) this.#take(listed, nowMs);
      if (listed.length > 0 || nowMs < ahead.openMs) ledger.meta.set("members_date", ahead.date);
    });
  }

  /** Reads the members when the universe stands at another version; an empty list is then one to believe. */
  universeChanged(version: number, nowMs: EpochMs): Promise<void> {
    const { meta } = this.#deps.ledger;
    return this.#inTurn(async () => {
      if (meta.getNumber("universe_version") === version) return;
      this.#take(await this.#load(), nowMs);
      meta.set("universe_version", version);
    });
  }

  /** The database may take its time: the rules are renewed after it. */
  async #load(): Promise<readonly ListedMember[]> {
    const listed = await this.#deps.loadMembers();
    await this.#deps.renewRules();
    return listed;
  }

  #take(listed: readonly ListedMember[], nowMs: EpochMs): void {
    const { ledger } = this.#deps;
    const { calendar, coldStartSessions } = this.#deps.rules();
    const sinceMs = coldStartMs(calendar, nowMs, coldStartSessions["1m"]);
    const appended = ledger.replaceMembers(listed, sinceMs);
    if (appended > 0) this.#deps.onAppended();
  }

  #inTurn(read: () => Promise<void>): Promise<void> {
    const turn = this.#reading.then(read, read);
    this.#reading = turn;
    return turn;
  }
}
