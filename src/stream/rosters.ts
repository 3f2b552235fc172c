import type { SqlStorage } from "@cloudflare/workers-types";
import { z } from "zod";
import type { RosterEntry } from "./subscription.ts";

const rosterSchema = z.array(z.tuple([z.string(), z.number()]));

/** The rosters of the homes that a host follows; append-only like the rosters themselves. */
export class Rosters {
  #sql: SqlStorage;
  #known = new Map<number, readonly RosterEntry[]>();

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  of(home: number): readonly RosterEntry[] {
    const known = this.#known.get(home);
    if (known !== undefined) return known;
    const rows = this.#sql
      .exec<{ body: string }>("SELECT body FROM followed_roster WHERE home = ?", home)
      .toArray();
    const body = rows[0]?.body;
    const roster =
      body === undefined
        ? []
        : rosterSchema.parse(JSON.parse(body)).map(([symbol, sid]) => ({ symbol, sid }));
    this.#known.set(home, roster);
    return roster;
  }

  /** Appends what a home says is new after the first `from` members. */
  extend(home: number, from: number, added: readonly RosterEntry[]): void {
    if (added.length === 0) return;
    const roster = [...this.of(home).slice(0, from), ...added];
    this.#known.set(home, roster);
    this.#sql.exec(
      "INSERT INTO followed_roster (home, body) VALUES (?, ?) ON CONFLICT (home) DO UPDATE SET body = excluded.body",
      home,
      JSON.stringify(roster.map((entry) => [entry.symbol, entry.sid])),
    );
  }
}
