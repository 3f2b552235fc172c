import type { Calendar, SessionKind } from "./calendar.ts";
import type { EpochMs } from "./time.ts";
import { MINUTE_MS } from "./time.ts";

/**
 * The instants of a minute at which quotes are asked for: each `everyMs` from the open of a session
 * that is served, the regular one always. `tickMs` is the start of a minute; `everyMs` divides a minute
 * or is a multiple of it.
 */
export function planQuoteSweeps(
  calendar: Calendar,
  sessions: readonly SessionKind[],
  everyMs: number,
  tickMs: EpochMs,
): EpochMs[] {
  const kind = calendar.sessionKind(tickMs);
  if (kind === undefined || (kind !== "regular" && !sessions.includes(kind))) return [];
  const first = Math.ceil(tickMs / everyMs) * everyMs;
  const sweeps: EpochMs[] = [];
  for (let atMs = first; atMs < tickMs + MINUTE_MS; atMs += everyMs) sweeps.push(atMs);
  return sweeps;
}
