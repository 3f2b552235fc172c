import type { SqlStorage } from "@cloudflare/workers-types";
import { z } from "zod";
import type { KnownRoster } from "./home-port.ts";
import type { RosterEntry } from "./subscription.ts";

const rosterSchema = z.object({
  epoch: z.string(),
  members: z.array(z.tuple([z.string(), z.number()])),
});

interface Roster {
  readonly epoch: string | null;
  readonly members: readonly RosterEntry[];
}

const NO_ROSTER: Roster = { epoch: null, members: [] };

/**
 * The rosters of the homes that a host follows. Append-only within an epoch of the home; a home that
 * began anew may have given its places to others.
 */
export class Rosters {
  #sql: SqlStorage;
  #known = new Map<number, Roster>();

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  of(home: number): readonly RosterEntry[] {
    return this.#read(home).members;
  }

  known(home: number): KnownRoster {
    const { epoch, members } = this.#read(home);
    return { epoch, length: members.length };
  }

  /** Takes what a home said: its members from place `from` on, in its present epoch. */
  extend(home: number, epoch: string, from: number, added: readonly RosterEntry[]): void {
    const before = this.#read(home);
    if (added.length === 0 && before.epoch === epoch) return;
    const members = [...before.members.slice(0, from), ...added];
    this.#known.set(home, { epoch, members });
    this.#sql.exec(
      "INSERT INTO followed_roster (home, body) VALUES (?, ?) ON CONFLICT (home) DO UPDATE SET body = excluded.body",
      home,
      JSON.stringify({ epoch, members: members.map((entry) => [entry.symbol, entry.sid]) }),
    );
  }

  #read(home: number): Roster {
    const known = this.#known.get(home);
    if (known !== undefined) return known;
    const rows = this.#sql
      .exec<{ body: string }>("SELECT body FROM followed_roster WHERE home = ?", home)
      .toArray();
    const roster = rows[0] === undefined ? NO_ROSTER : parseRoster(rows[0].body);
    this.#known.set(home, roster);
    return roster;
  }
}

function parseRoster(body: string): Roster {
  const { epoch, members } = rosterSchema.parse(JSON.parse(body));
  return { epoch, members: members.map(([symbol, sid]) => ({ symbol, sid })) };
}
