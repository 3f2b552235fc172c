import type { DurableObjectStorage } from "@cloudflare/workers-types";
import { z } from "zod";
import {
  BOOTSTRAP_ID,
  type KeyGrant,
  type KeyLookup,
  type KeyMade,
  type KeyPage,
  type KeyRecord,
  type KeyUse,
  type NewKey,
  type Rotation,
} from "../contracts/keys.ts";
import { type EpochMs, toIso } from "../domain/time.ts";
import { type Act, ActLog } from "../platform/act-log.ts";
import { GRANT_COLUMNS, RECORD_SELECT, toGrant, toRecord, toUsage } from "./key-rows.ts";
import { keyStanding } from "./key-standing.ts";
import { isSameDigest, makeKeyId } from "./key-text.ts";

/** Keys that hold, at most: each person and program of a deployment has one or a few. */
const MAX_KEYS = 500;
/** With those that have ended, which stay to be read; the ones that ended first go. */
const MAX_ROWS = 1_000;
/** The part of a digest that is searched for. The rest is compared in constant time. */
const LOOKUP_CHARS = 16;

const digestSchema = z.object({ digest: z.string() });
const numberSchema = z.object({ number: z.number() });

/** Who acts and when, wall ms. */
interface ActOf {
  readonly actor: string;
  readonly atMs: EpochMs;
}
/** Where a page goes on: behind this key. */
interface PageAfter {
  readonly createdMs: EpochMs;
  readonly id: string;
}
type NewRow = NewKey & { readonly lifetimeMs: number | null; readonly replaces: string | null };

/**
 * The keys of the deployment in the SQLite of ConfigStore: digests, what each grants and until when, how it is
 * used. A key that has ended stays in the book, for who asks later whose it was.
 */
export class KeyBook {
  #storage: DurableObjectStorage;
  #log: ActLog;
  #maxKeys: number;
  #maxRows: number;

  constructor(storage: DurableObjectStorage, maxKeys = MAX_KEYS, maxRows = MAX_ROWS) {
    this.#storage = storage;
    this.#log = new ActLog(storage.sql);
    this.#maxKeys = maxKeys;
    this.#maxRows = maxRows;
  }

  make(key: NewKey, { actor, atMs }: ActOf): KeyMade {
    if (this.#isFull(atMs)) return { kind: "full" };
    const lifetimeMs = key.expiresMs === null ? null : key.expiresMs - atMs;
    const id = makeKeyId();
    this.#storage.transactionSync(() => {
      this.#insert(id, { ...key, lifetimeMs, replaces: null }, atMs);
      this.#note(id, { actor, atMs, act: "make_key", reason: `${key.role}: ${key.name}` });
    });
    return this.#made(id);
  }

  /**
   * Makes a successor with the same name, role and limits; the old key holds on for the overlap, unless it ends
   * before. May be done again while the old one holds: the successor's text may have been lost.
   */
  rotate({ id, digest, overlapMs, expiresMs }: Rotation, { actor, atMs }: ActOf): KeyMade {
    const old = this.read(id);
    if (old === null) return { kind: "unknown" };
    if (keyStanding(old, atMs) !== "valid") return { kind: "ended" };
    if (this.#isFull(atMs)) return { kind: "full" };
    const lifetimeMs = expiresMs === undefined ? this.#lifetime(id) : spanOf(expiresMs, atMs);
    const endMs = Math.min(old.expiresMs ?? Number.MAX_SAFE_INTEGER, atMs + overlapMs);
    const { name, role, limits } = old;
    const successor = makeKeyId();
    this.#storage.transactionSync(() => {
      const ends = lifetimeMs === null ? null : atMs + lifetimeMs;
      const key = { name, role, limits, digest, expiresMs: ends, lifetimeMs, replaces: id };
      this.#insert(successor, key, atMs);
      this.#storage.sql.exec("UPDATE api_key SET expires = ? WHERE id = ?", endMs, id);
      const reason = `ends at ${toIso(endMs)}, replaced by ${successor}`;
      this.#note(id, { actor, atMs, act: "rotate_key", reason });
      this.#note(successor, { actor, atMs, act: "make_key", reason: `replaces ${id}` });
    });
    return this.#made(successor);
  }

  /** Ends a key now; null when there is none of that id. One that was revoked stays as it is. */
  revoke(id: string, { actor, atMs }: ActOf): KeyRecord | null {
    const before = this.read(id);
    if (before === null || before.revokedMs !== null) return before;
    this.#storage.transactionSync(() => {
      this.#storage.sql.exec("UPDATE api_key SET revoked = ? WHERE id = ?", atMs, id);
      this.#note(id, { actor, atMs, act: "revoke_key", reason: null });
    });
    return this.read(id);
  }

  /** What a key grants, by its id or by the digest of its text; null when there is none. */
  grant(asked: KeyLookup): KeyGrant | null {
    const { sql } = this.#storage;
    if ("id" in asked) {
      const select = `SELECT ${GRANT_COLUMNS} FROM api_key k WHERE k.id = ?`;
      const [row] = sql.exec(select, asked.id).toArray();
      return row === undefined ? null : toGrant(row);
    }
    const select = `SELECT ${GRANT_COLUMNS}, k.digest FROM api_key k WHERE k.lookup = ?`;
    const row = sql
      .exec(select, lookupOf(asked.digest))
      .toArray()
      .find((each) => isSameDigest(digestSchema.parse(each).digest, asked.digest));
    return row === undefined ? null : toGrant(row);
  }

  /** A key with its usage; null when there is none of that id. */
  read(id: string): KeyRecord | null {
    const [row] = this.#storage.sql.exec(`${RECORD_SELECT} WHERE k.id = ?`, id).toArray();
    return row === undefined ? null : toRecord(row);
  }

  /** The keys behind one, newest first. */
  page(after: PageAfter | null, limit: number): KeyPage {
    const { sql } = this.#storage;
    const { createdMs, id } = after ?? { createdMs: Number.MAX_SAFE_INTEGER, id: "" };
    const where = "WHERE (k.created, k.id) < (?, ?) ORDER BY k.created DESC, k.id DESC LIMIT ?";
    const rows = sql.exec(`${RECORD_SELECT} ${where}`, createdMs, id, limit).toArray();
    const select = "SELECT requests, refused, last_used FROM key_use WHERE id = ?";
    const [bootstrap] = sql.exec(select, BOOTSTRAP_ID).toArray();
    return { keys: rows.map(toRecord), bootstrap: toUsage(bootstrap) };
  }

  /** The last acts on a key, newest first. */
  acts(id: string, limit: number): Act[] {
    return this.#log.read(subjectOf(id), limit);
  }

  /** Adds what an isolate has counted; ids that the book does not have are let go. */
  addUses(uses: readonly KeyUse[]): void {
    this.#storage.transactionSync(() => {
      for (const { id, requests, refused, lastMs } of uses) {
        this.#storage.sql.exec(
          `INSERT INTO key_use (id, requests, refused, last_used)
             SELECT ?1, ?2, ?3, ?4 WHERE ?1 = ?5 OR EXISTS (SELECT 1 FROM api_key WHERE id = ?1)
           ON CONFLICT (id) DO UPDATE SET requests = requests + excluded.requests,
             refused = refused + excluded.refused, last_used = max(last_used, excluded.last_used)`,
          id,
          requests,
          refused,
          lastMs,
          BOOTSTRAP_ID,
        );
      }
    });
  }

  #made(id: string): KeyMade {
    const record = this.read(id);
    if (record === null) throw new Error("a key is gone that was just made");
    return { kind: "made", record };
  }

  #isFull(nowMs: EpochMs): boolean {
    const holds = "revoked IS NULL AND (expires IS NULL OR expires > ?)";
    return this.#count(`WHERE ${holds}`, nowMs) >= this.#maxKeys;
  }

  #count(where: string, ...bindings: number[]): number {
    const select = `SELECT count(*) AS number FROM api_key ${where}`;
    return numberSchema.parse(this.#storage.sql.exec(select, ...bindings).one()).number;
  }

  #lifetime(id: string): number | null {
    const select = "SELECT lifetime FROM api_key WHERE id = ?";
    const lifetimeSchema = z.object({ lifetime: z.number().nullable() });
    return lifetimeSchema.parse(this.#storage.sql.exec(select, id).one()).lifetime;
  }

  #insert(id: string, key: NewRow, atMs: EpochMs): void {
    this.#forgetEnded(atMs);
    this.#storage.sql.exec(
      `INSERT INTO api_key (id, name, role, lookup, digest, requests_per_minute, connections_per_host,
         created, expires, lifetime, replaces) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      id,
      key.name,
      key.role,
      lookupOf(key.digest),
      key.digest,
      key.limits.requestsPerMinute,
      key.limits.connectionsPerHost,
      atMs,
      key.expiresMs,
      key.lifetimeMs,
      key.replaces,
    );
  }

  /** Makes room for one more row by those that ended first. */
  #forgetEnded(nowMs: EpochMs): void {
    const surplus = this.#count("") - this.#maxRows + 1;
    if (surplus <= 0) return;
    const { sql } = this.#storage;
    sql.exec(
      `DELETE FROM api_key WHERE id IN (
         SELECT id FROM api_key WHERE revoked IS NOT NULL OR expires <= ?
         ORDER BY min(coalesce(revoked, expires), coalesce(expires, revoked)) LIMIT ?)`,
      nowMs,
      surplus,
    );
    sql.exec(
      "DELETE FROM key_use WHERE id <> ? AND id NOT IN (SELECT id FROM api_key)",
      BOOTSTRAP_ID,
    );
  }

  #note(id: string, act: Omit<Act, "subject">): void {
    this.#log.write({ ...act, subject: subjectOf(id) });
  }
}

function lookupOf(digest: string): string {
  return digest.slice(0, LOOKUP_CHARS);
}

function spanOf(expiresMs: EpochMs | null, nowMs: EpochMs): number | null {
  return expiresMs === null ? null : expiresMs - nowMs;
}

function subjectOf(id: string): string {
  return `key:${id}`;
}
