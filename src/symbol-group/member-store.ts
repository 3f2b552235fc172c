import type { SqlStorage } from "@cloudflare/workers-types";
import { z } from "zod";
import { MAX_GROUP_MEMBERS, type Member, Roster } from "../domain/roster.ts";
import { TIERS } from "../domain/tier.ts";
import type { EpochMs } from "../domain/time.ts";

/** A symbol of the group as the universe lists it. */
export interface ListedMember {
  readonly symbol: string;
  readonly sid: number;
  readonly tier: Member["tier"];
}

const rowSchema = z.object({
  slot: z.number(),
  symbol: z.string(),
  sid: z.number(),
  tier: z.enum(TIERS),
  since_ms: z.number(),
  active: z.number(),
});

/** Members of a group; slots are append-only, a member that leaves keeps its own. */
export class MemberStore {
  #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  read(): Roster {
    const rows = this.#sql
      .exec("SELECT slot, symbol, sid, tier, since_ms, active FROM member ORDER BY slot")
      .toArray();
    return new Roster(
      rows.map((row) => {
        const { since_ms: sinceMs, active, ...member } = rowSchema.parse(row);
        return { ...member, sinceMs, active: active === 1 };
      }),
    );
  }

  /**
   * Takes the universe's list: new symbols are appended and expected from `sinceMs`, known ones get
   * their tier, absent ones become inactive. Throws when the group would grow beyond its bound.
   */
  replace(listed: readonly ListedMember[], roster: Roster, sinceMs: EpochMs): void {
    let slot = roster.length;
    const names = new Set(listed.map((member) => member.symbol));
    for (const member of listed) {
      const known = roster.slotOf(member.symbol);
      if (known === undefined && slot >= MAX_GROUP_MEMBERS) {
        throw new RangeError(`a symbol group takes at most ${MAX_GROUP_MEMBERS} members`);
      }
      const at = known ?? slot++;
      const since = known === undefined ? sinceMs : (roster.members[known]?.sinceMs ?? sinceMs);
      this.#sql.exec(
        `INSERT INTO member (slot, symbol, sid, tier, since_ms, active) VALUES (?, ?, ?, ?, ?, 1)
         ON CONFLICT (slot) DO UPDATE SET tier = excluded.tier, sid = excluded.sid, active = 1`,
        at,
        member.symbol,
        member.sid,
        member.tier,
        since,
      );
    }
    for (const member of roster.members) {
      if (!names.has(member.symbol))
        this.#sql.exec("UPDATE member SET active = 0 WHERE slot = ?", member.slot);
    }
  }
}
