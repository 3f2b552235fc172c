import type { SqlStorage } from "@cloudflare/workers-types";
import type { TicketRefusal } from "../contracts/stream-ticket.ts";

/**
 * An expired row is kept this long: the wall clock of an object may step back a little. Less than what lies
 * between the end of a ticket and the sweep a minute after its connection, which takes the row away.
 */
const KEPT_PAST_EXPIRY_MS = 15_000;
/** Tickets live for 30 s and must be bought with a key: more at one host than this are no clients. */
const MAX_BURNED = 20_000;

/**
 * The tickets that were used at this host and could be brought again: their connections and when they
 * expire. Durable, so that an evicted host knows them as well.
 */
export class BurnedTickets {
  #sql: SqlStorage;
  #max: number;

  constructor(sql: SqlStorage, max = MAX_BURNED) {
    this.#sql = sql;
    this.#max = max;
  }

  /** Uses a ticket up; null when its connection may be made. */
  burn(connection: string, expiresMs: number, nowMs: number): TicketRefusal | null {
    this.prune(nowMs);
    // By this clock, for it also decides when a row goes: what may have been forgotten is not taken.
    if (expiresMs <= nowMs) return "ticket_expired";
    if (this.#has(connection)) return "ticket_used";
    if (this.count() >= this.#max) return "busy";
    this.#sql.exec(
      "INSERT INTO burned_ticket (connection, expires_ms) VALUES (?, ?)",
      connection,
      expiresMs,
    );
    return null;
  }

  /** Forgets what has expired. */
  prune(nowMs: number): void {
    this.#sql.exec("DELETE FROM burned_ticket WHERE expires_ms <= ?", nowMs - KEPT_PAST_EXPIRY_MS);
  }

  count(): number {
    return this.#sql.exec<{ rows: number }>("SELECT count(*) AS rows FROM burned_ticket").one()
      .rows;
  }

  #has(connection: string): boolean {
    const clause = "SELECT 1 FROM burned_ticket WHERE connection = ?";
    return this.#sql.exec(clause, connection).toArray().length > 0;
  }
}
