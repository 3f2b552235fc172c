import type { SqlStorage } from "@cloudflare/workers-types";
import type { LoggedFlush } from "../contracts/flush.ts";
import type { EpochMs } from "../domain/time.ts";
import { MINUTE_MS } from "../domain/time.ts";
import type { Delivery, DeliveryAnswer } from "../stream/delivery.ts";

/**
 * A follower is kept this long, at least from the first delivery on that does not reach it. It follows again when
 * its stream is silent for longer than was said, not while that is quiet as expected.
 */
const LEASE_MS = 5 * MINUTE_MS;
/**
 * An acked position is stored after so many flushes: what a home that was evicted sends again, the
 * host knows already and leaves out.
 */
const STORE_EVERY_FLUSHES = 32;
/** What one delivery carries at most. */
const DELIVERY_FLUSHES = 64;
const DELIVERY_BYTES = 2 * 1_024 * 1_024;

/** The table of a stream's followers. */
export type FollowerTable = "follower" | "quote_follower";

/** What a home needs to deliver: its log, its stream's name, and the hosts, which may not answer. */
export interface FollowersDeps {
  readonly sql: SqlStorage;
  readonly table: FollowerTable;
  readonly now: () => EpochMs;
  readonly read: (afterFs: number, limit: number, maxBytes: number) => LoggedFlush[];
  readonly stream: () => Omit<Delivery, "flushes">;
  readonly deliver: (host: string, delivery: Delivery) => Promise<DeliveryAnswer>;
  readonly onFailure: (host: string, error: unknown) => void;
}

interface Follower {
  ackedFs: number;
  leaseUntilMs: EpochMs;
  storedFs: number;
  /** How often it has followed: a "nobody wants this" from before the last time is out of date. */
  follows: number;
  /** The last delivery did not reach it. */
  isFailing: boolean;
}

const FRESH = { follows: 0, isFailing: false } as const;

/**
 * The hosts that follow a stream of this home. The acked position of each lives here; one delivery is in flight
 * for a follower at a time and carries everything since that position, in order.
 */
export class Followers {
  #deps: FollowersDeps;
  #followers = new Map<string, Follower>();
  #inFlight = new Set<string>();

  constructor(deps: FollowersDeps) {
    this.#deps = deps;
    const rows = deps.sql.exec<{ host: string; acked_fs: number; lease_until_ms: number }>(
      `SELECT host, acked_fs, lease_until_ms FROM ${deps.table}`,
    );
    for (const { host, acked_fs: ackedFs, lease_until_ms: leaseUntilMs } of rows) {
      this.#followers.set(host, { ackedFs, leaseUntilMs, storedFs: ackedFs, ...FRESH });
    }
  }

  /** Adds a follower at `headFs`, or renews the lease of one that is here. */
  follow(host: string, headFs: number): void {
    const leaseUntilMs = this.#deps.now() + LEASE_MS;
    const known = this.#followers.get(host);
    if (known !== undefined) {
      known.leaseUntilMs = leaseUntilMs;
      known.follows += 1;
      return;
    }
    const follower = { ackedFs: headFs, leaseUntilMs, storedFs: headFs, ...FRESH };
    this.#followers.set(host, follower);
    this.#store(host, follower);
  }

  /** The stream has begun a new epoch: everyone is sent it from its first flush on. */
  restart(): void {
    for (const [host, follower] of this.#followers) {
      follower.ackedFs = 0;
      this.#store(host, follower);
    }
  }

  /** Brings every follower up to the log; resolves when all are, or have failed for now. */
  async pump(): Promise<void> {
    await Promise.all([...this.#followers.keys()].map((host) => this.#pumpOne(host)));
  }

  async #pumpOne(host: string): Promise<void> {
    if (this.#inFlight.has(host)) return;
    this.#inFlight.add(host);
    try {
      while (await this.#deliverNext(host)) {
        // Each round sends what came since; the log is finite, so it ends at its head.
      }
    } catch (error) {
      this.#noteFailure(host);
      this.#deps.onFailure(host, error);
    } finally {
      this.#inFlight.delete(host);
    }
  }

  #noteFailure(host: string): void {
    const follower = this.#followers.get(host);
    if (follower === undefined) return;
    const nowMs = this.#deps.now();
    if (!follower.isFailing)
      follower.leaseUntilMs = Math.max(follower.leaseUntilMs, nowMs + LEASE_MS);
    else if (follower.leaseUntilMs < nowMs) this.#remove(host);
    follower.isFailing = true;
  }

  async #deliverNext(host: string): Promise<boolean> {
    const follower = this.#followers.get(host);
    if (follower === undefined) return false;
    const flushes = this.#deps.read(follower.ackedFs, DELIVERY_FLUSHES, DELIVERY_BYTES);
    const last = flushes.at(-1);
    if (last === undefined) return false;
    const { follows } = follower;
    const stream = this.#deps.stream();
    const { interested } = await this.#deps.deliver(host, { ...stream, flushes });
    // Its numbers are of an epoch that has ended meanwhile.
    if (this.#deps.stream().epoch !== stream.epoch) return true;
    if (!interested && follower.follows === follows) {
      this.#remove(host);
      return false;
    }
    follower.isFailing = false;
    follower.ackedFs = last.fs;
    follower.leaseUntilMs = this.#deps.now() + LEASE_MS;
    if (follower.ackedFs - follower.storedFs >= STORE_EVERY_FLUSHES) this.#store(host, follower);
    return true;
  }

  #store(host: string, follower: Follower): void {
    follower.storedFs = follower.ackedFs;
    this.#deps.sql.exec(
      `INSERT INTO ${this.#deps.table} (host, acked_fs, lease_until_ms) VALUES (?, ?, ?)
       ON CONFLICT (host) DO UPDATE SET acked_fs = excluded.acked_fs, lease_until_ms = excluded.lease_until_ms`,
      host,
      follower.ackedFs,
      follower.leaseUntilMs,
    );
  }

  #remove(host: string): void {
    this.#followers.delete(host);
    this.#deps.sql.exec(`DELETE FROM ${this.#deps.table} WHERE host = ?`, host);
  }
}
