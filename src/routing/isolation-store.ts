import type { DurableObjectStorage } from "@cloudflare/workers-types";
import { z } from "zod";
import type { ProviderId } from "../domain/provider-id.ts";
import type { EpochMs } from "../domain/time.ts";
import { type Isolation, type IsolationAct, MAX_REASON_TEXT } from "./isolation.ts";

/** Acts that are kept over all subjects; the oldest go. */
export const MAX_AUDIT_ROWS = 1_000;

const rowSchema = z.object({
  revision: z.number(),
  since: z.number().nullable(),
  reason: z.string().nullable(),
});
const actSchema = z
  .object({
    at: z.number(),
    actor: z.string(),
    act: z.enum(["isolate", "release"]),
    reason: z.string().nullable(),
  })
  .transform(({ at, ...rest }): IsolationAct => ({ atMs: at, ...rest }));

/** Who acts, when and why. */
export interface ActDetails {
  readonly actor: string;
  readonly reason: string | null;
  readonly atMs: EpochMs;
}

/** The isolated providers and the acts on them, in the SQLite of ConfigStore. */
export class IsolationStore {
  #storage: DurableObjectStorage;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
  }

  /** How a provider stands. */
  read(provider: ProviderId): Isolation {
    const [row] = this.#storage.sql
      .exec("SELECT revision, since, reason FROM isolation WHERE provider = ?", provider)
      .toArray();
    if (row === undefined) return { revision: 0, isolated: null };
    const { revision, since, reason } = rowSchema.parse(row);
    return { revision, isolated: since === null ? null : { sinceMs: since, reason } };
  }

  /** Isolates; of one that is isolated already the time stays, and so does the reason unless given. */
  isolate(provider: ProviderId, details: ActDetails): Isolation {
    const before = this.read(provider);
    const reason = details.reason ?? before.isolated?.reason ?? null;
    const sinceMs = before.isolated?.sinceMs ?? details.atMs;
    return this.#write(provider, "isolate", details, {
      revision: before.revision + 1,
      isolated: { sinceMs, reason: reason?.slice(0, MAX_REASON_TEXT) ?? null },
    });
  }

  /** Lets go. Nothing is written of a provider that is not isolated. */
  release(provider: ProviderId, details: ActDetails): Isolation {
    const before = this.read(provider);
    if (before.isolated === null) return before;
    const after = { revision: before.revision + 1, isolated: null };
    return this.#write(provider, "release", details, after);
  }

  /** The last acts on a provider, newest first. */
  acts(provider: ProviderId, limit: number): IsolationAct[] {
    return this.#storage.sql
      .exec(
        "SELECT at, actor, act, reason FROM audit WHERE subject = ? ORDER BY id DESC LIMIT ?",
        subjectOf(provider),
        limit,
      )
      .toArray()
      .map((row) => actSchema.parse(row));
  }

  #write(
    provider: ProviderId,
    act: IsolationAct["act"],
    { actor, reason, atMs }: ActDetails,
    after: Isolation,
  ): Isolation {
    const { sql } = this.#storage;
    this.#storage.transactionSync(() => {
      sql.exec(
        `INSERT INTO isolation (provider, revision, since, reason) VALUES (?, ?, ?, ?)
         ON CONFLICT (provider) DO UPDATE SET
           revision = excluded.revision, since = excluded.since, reason = excluded.reason`,
        provider,
        after.revision,
        after.isolated?.sinceMs ?? null,
        after.isolated?.reason ?? null,
      );
      sql.exec(
        "INSERT INTO audit (at, actor, act, subject, reason) VALUES (?, ?, ?, ?, ?)",
        atMs,
        actor.slice(0, 100),
        act,
        subjectOf(provider),
        reason?.slice(0, MAX_REASON_TEXT) ?? null,
      );
      sql.exec("DELETE FROM audit WHERE id <= (SELECT max(id) FROM audit) - ?", MAX_AUDIT_ROWS);
    });
    return after;
  }
}

/** The audit is of the whole configuration; a provider's acts are told by this. */
function subjectOf(provider: ProviderId): string {
  return `provider:${provider}`;
}
