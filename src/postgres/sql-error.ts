import { NeonDbError } from "@neondatabase/serverless";
import { errorText } from "../platform/log.ts";

/**
 * What to do about a failed statement:
 * - `already_drained` (MDS01): a success, all of it is stored up to `storedFs`;
 * - `behind` (MDS02): Postgres stands at `storedFs`: inside the batch (send the rest) or before it (it lost flushes);
 * - `stale_epoch` (MDS03): a later epoch is stored, this writer is out of date;
 * - `trial_good` (MDS04): all statements of a trial are good, and were taken back;
 * - `row_fault`: a value of a row is refused (SQLSTATE class 22 or 23), trying again can't help;
 * - `retry`: everything else, never the row's fault: network, time-out, locks, a missing table or partition.
 */
export type SqlFaultKind =
  | "already_drained"
  | "behind"
  | "stale_epoch"
  | "trial_good"
  | "row_fault"
  | "retry";

/** A failed statement, sorted by what to do about it. Holds no parameters and no stack. */
export interface SqlFault {
  readonly kind: SqlFaultKind;
  /** Five characters, null when no SQL error came back (network, time-out, HTTP 5xx). */
  readonly sqlstate: string | null;
  /** Flush number that Postgres stands at; null unless `drain_begin` said so. */
  readonly storedFs: number | null;
  /** Capped, and without secrets. */
  readonly message: string;
}

const DRAIN_KINDS: Readonly<Record<string, SqlFaultKind>> = {
  MDS01: "already_drained",
  MDS02: "behind",
  MDS03: "stale_epoch",
  MDS04: "trial_good",
};

/** Sorts whatever a `SqlClient` rejected with. */
export function classifySqlError(error: unknown): SqlFault {
  const message = errorText(error);
  if (!(error instanceof NeonDbError) || error.code === undefined) {
    return { kind: "retry", sqlstate: null, storedFs: null, message };
  }
  const drainKind = DRAIN_KINDS[error.code];
  if (drainKind !== undefined) {
    const storedFs = error.detail === undefined ? null : Number(error.detail);
    return { kind: drainKind, sqlstate: error.code, storedFs, message };
  }
  const kind = isRowFault(error.code, error.constraint) ? "row_fault" : "retry";
  return { kind, sqlstate: error.code, storedFs: null, message };
}

/** SQLSTATE classes of a server that can't serve now: connection, resources, intervention, system. */
const AWAY_CLASSES: ReadonlySet<string> = new Set(["08", "53", "57", "58"]);

/** Whether a client rejected because the database was not reached or could not serve: asking again may help. */
export function isDatabaseAway(error: unknown): boolean {
  if (!(error instanceof NeonDbError)) return false;
  return error.code === undefined || AWAY_CLASSES.has(error.code.slice(0, 2));
}

function isRowFault(sqlstate: string, constraint: string | undefined): boolean {
  // "No partition found for row" is a check violation too, but one that names no constraint.
  if (sqlstate === "23514" && constraint === undefined) return false;
  return sqlstate.startsWith("22") || sqlstate.startsWith("23");
}
