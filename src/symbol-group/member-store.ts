import type { SqlStorage } from "@cloudflare/workers-types";
import { z } from "zod";
import {
  type ListedMember,
  listedMember,
  MAX_GROUP_MEMBERS,
  type OwedSince,
  Roster,
} from "../domain/roster.ts";
import { TIERS } from "../domain/tier.ts";

const rowSchema = z.object({
  slot: z.number(),
  symbol: z.string(),
  sid: z.number(),
  tier: z.enum(TIERS),
  since_ms: z.number(),
  active: z.number(),
  reused_on: z.string().nullable(),
});

/** Members of a group; slots are append-only, a member that leaves keeps its own. */
export class MemberStore {
  #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  read(): Roster {
    const rows = this.#sql
      .exec("SELECT slot, symbol, sid, tier, since_ms, active, reused_on FROM member ORDER BY slot")
      .toArray();
    return new Roster(
      rows.map((row) => {
        const parsed = rowSchema.parse(row);
        const { since_ms: sinceMs, reused_on: reusedOn, active, ...member } = parsed;
        return { ...member, sinceMs, reusedOn, active: active === 1 };
      }),
    );
  }

  /**
   * Takes the universe's list: new symbols are appended, known ones get their tier, absent ones become
   * inactive. Who comes to be owed minutes by it is owed them as `since` says. Throws when the group
   * would grow beyond its bound.
   */
  replace(listed: readonly ListedMember[], roster: Roster, since: OwedSince): void {
    let slots = roster.length;
    const names = new Set(listed.map((member) => member.symbol));
    for (const one of listed) {
      const slot = roster.slotOf(one.symbol) ?? slots++;
      if (slot >= MAX_GROUP_MEMBERS)
        throw new RangeError(`a symbol group takes at most ${MAX_GROUP_MEMBERS} members`);
      const member = listedMember(roster.members[slot], one, slot, since);
      this.#sql.exec(
        `INSERT INTO member (slot, symbol, sid, tier, since_ms, active, reused_on) VALUES (?, ?, ?, ?, ?, 1, ?)
         ON CONFLICT (slot) DO UPDATE SET
           tier = excluded.tier, sid = excluded.sid, since_ms = excluded.since_ms, active = 1,
           reused_on = excluded.reused_on`,
        slot,
        member.symbol,
        member.sid,
        member.tier,
        member.sinceMs,
        member.reusedOn,
      );
    }
    for (const member of roster.members) {
      if (!names.has(member.symbol))
        this.#sql.exec("UPDATE member SET active = 0 WHERE slot = ?", member.slot);
    }
  }
}
