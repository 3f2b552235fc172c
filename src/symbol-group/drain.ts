import { type Flush, type LoggedFlush, parseFlush } from "../contracts/flush.ts";
import { backoffMs } from "../domain/backoff.ts";
import type { SqlFault } from "../postgres/sql-error.ts";

/** One drain transaction carries at most this. */
const DRAIN_FLUSHES = 16;
const DRAIN_BYTES = 1_024 * 1_024;
const BACKOFF = { baseMs: 2_000, maxMs: 60_000 };

/** The log that is drained, the mark of how far it is, and Postgres, which may reject. */
export interface DrainDeps {
  readonly read: (afterFs: number, limit: number, maxBytes: number) => LoggedFlush[];
  readonly drainedFs: () => number;
  readonly setDrained: (fs: number) => void;
  /** Stores consecutive flushes; the stream was drained up to `afterFs`. */
  readonly write: (flushes: readonly Flush[], afterFs: number) => Promise<void>;
  readonly classify: (error: unknown) => SqlFault;
  readonly random: () => number;
  /** Whether flushes may be missing: Postgres' own mark is then taken, wherever it stands. */
  readonly mayMiss: boolean;
}

/**
 * How a drain ended.
 * - `drained`: nothing is left.
 * - `retry`: Postgres could not be reached or refused for a reason that is not the data's; try again.
 * - `stuck`: Postgres lacks flushes that the log no longer holds, knows a later life of this stream,
 *   or refuses a value: trying again cannot help.
 */
export type DrainResult =
  | { readonly kind: "drained" }
  | { readonly kind: "retry"; readonly afterMs: number; readonly fault: SqlFault }
  | { readonly kind: "stuck"; readonly fault: SqlFault };

/** Sends the log to Postgres: in order, once, a batch a transaction. `attempt` counts failures so far. */
export async function drain(deps: DrainDeps, attempt: number): Promise<DrainResult> {
  for (;;) {
    const logged = deps.read(deps.drainedFs(), DRAIN_FLUSHES, DRAIN_BYTES);
    const batch = readable(logged);
    if (batch === null) return { kind: "stuck", fault: UNREADABLE };
    const last = batch.at(-1);
    if (last === undefined) return { kind: "drained" };
    const fault = await tryWrite(deps, batch);
    if (fault === null || fault.kind === "already_drained") {
      deps.setDrained(last.fs);
      continue;
    }
    const storedFs = fault.kind === "behind" ? fault.storedFs : null;
    if (storedFs !== null && (deps.mayMiss || storedFs > deps.drainedFs())) {
      deps.setDrained(storedFs);
      continue;
    }
    if (fault.kind !== "retry") return { kind: "stuck", fault };
    return { kind: "retry", afterMs: backoffMs(attempt, BACKOFF, deps.random), fault };
  }
}

const UNREADABLE: SqlFault = {
  kind: "row_fault",
  sqlstate: null,
  storedFs: null,
  message: "a flush of the log cannot be read by this version",
};

function readable(logged: readonly LoggedFlush[]): Flush[] | null {
  try {
    return logged.map(({ payload }) => parseFlush(payload));
  } catch {
    return null;
  }
}

async function tryWrite(deps: DrainDeps, batch: readonly Flush[]): Promise<SqlFault | null> {
  try {
    await deps.write(batch, deps.drainedFs());
    return null;
  } catch (error) {
    return deps.classify(error);
  }
}
