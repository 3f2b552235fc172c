import type { SqlStorage } from "@cloudflare/workers-types";
import type { LoggedFlush } from "../contracts/flush.ts";
import type { EpochMs } from "../domain/time.ts";
import { MINUTE_MS } from "../domain/time.ts";

/** A follower that cannot be reached is kept this long: it follows again each minute while it lives. */
const LEASE_MS = 5 * MINUTE_MS;
/** What one delivery carries at most. */
const DELIVERY_FLUSHES = 64;
const DELIVERY_BYTES = 2 * 1_024 * 1_024;

/** What a home sends a host: flushes of its stream, in order. */
export interface Delivery {
  readonly home: number;
  readonly epoch: string;
  readonly rosterLength: number;
  readonly flushes: readonly LoggedFlush[];
}

/** What a host says to a delivery: false when no connection there wants the stream any more. */
export interface DeliveryAnswer {
  readonly interested: boolean;
}

/** What a home needs to deliver: its log, its stream's name, and the hosts, which may not answer. */
export interface FollowersDeps {
  readonly sql: SqlStorage;
  readonly now: () => EpochMs;
  readonly read: (afterFs: number, limit: number, maxBytes: number) => LoggedFlush[];
  readonly stream: () => { home: number; epoch: string; rosterLength: number };
  readonly deliver: (host: string, delivery: Delivery) => Promise<DeliveryAnswer>;
  readonly onFailure: (host: string, error: unknown) => void;
}

/**
 * The hosts that follow this home. The acked position of each lives here; one delivery is in flight
 * for a follower at a time and carries everything since that position, in order.
 */
export class Followers {
  #deps: FollowersDeps;
  #inFlight = new Set<string>();
  /** How often each host has followed: a "nobody wants this" from before the last time is out of date. */
  #follows = new Map<string, number>();

  constructor(deps: FollowersDeps) {
    this.#deps = deps;
  }

  /** Adds a follower at `headFs`, or renews the lease of one that is here. */
  follow(host: string, headFs: number): void {
    this.#follows.set(host, (this.#follows.get(host) ?? 0) + 1);
    this.#deps.sql.exec(
      `INSERT INTO follower (host, acked_fs, lease_until_ms) VALUES (?, ?, ?)
       ON CONFLICT (host) DO UPDATE SET lease_until_ms = excluded.lease_until_ms`,
      host,
      headFs,
      this.#deps.now() + LEASE_MS,
    );
  }

  hosts(): string[] {
    return this.#deps.sql
      .exec<{ host: string }>("SELECT host FROM follower ORDER BY host")
      .toArray()
      .map((row) => row.host);
  }

  /** Brings every follower up to the log; resolves when all are, or have failed for now. */
  async pump(): Promise<void> {
    await Promise.all(this.hosts().map((host) => this.#pumpOne(host)));
  }

  async #pumpOne(host: string): Promise<void> {
    if (this.#inFlight.has(host)) return;
    this.#inFlight.add(host);
    try {
      while (await this.#deliverNext(host)) {
        // Each round sends what came since; the log is finite, so it ends at its head.
      }
    } catch (error) {
      this.#dropIfExpired(host);
      this.#deps.onFailure(host, error);
    } finally {
      this.#inFlight.delete(host);
    }
  }

  async #deliverNext(host: string): Promise<boolean> {
    const ackedFs = this.#ackedFs(host);
    if (ackedFs === null) return false;
    const flushes = this.#deps.read(ackedFs, DELIVERY_FLUSHES, DELIVERY_BYTES);
    const last = flushes.at(-1);
    if (last === undefined) return false;
    const follows = this.#follows.get(host);
    const { interested } = await this.#deps.deliver(host, { ...this.#deps.stream(), flushes });
    if (!interested && this.#follows.get(host) === follows) {
      this.#deps.sql.exec("DELETE FROM follower WHERE host = ?", host);
      return false;
    }
    this.#deps.sql.exec(
      "UPDATE follower SET acked_fs = ?, lease_until_ms = ? WHERE host = ?",
      last.fs,
      this.#deps.now() + LEASE_MS,
      host,
    );
    return true;
  }

  #ackedFs(host: string): number | null {
    const rows = this.#deps.sql
      .exec<{ acked_fs: number }>("SELECT acked_fs FROM follower WHERE host = ?", host)
      .toArray();
    return rows[0]?.acked_fs ?? null;
  }

  #dropIfExpired(host: string): void {
    this.#deps.sql.exec(
      "DELETE FROM follower WHERE host = ? AND lease_until_ms < ?",
      host,
      this.#deps.now(),
    );
  }
}
