import { randomBytes } from "node:crypto";
import type { CalendarOverride } from "../../src/domain/calendar-override.ts";
import { createCalendar } from "../../src/domain/calendar.ts";
import type { EpochMs } from "../../src/domain/time.ts";
import type { Market } from "../market/market.ts";
import { minuteJobs } from "../rlc/minute-jobs.ts";
import { startRlc } from "../rlc/start-rlc.ts";

/** A running rate-limit coordinator, and the variables by which the service finds it. */
export interface Coordinator {
  readonly variables: Readonly<Record<string, string>>;
  readonly stop: () => Promise<void>;
}

/** What a stack says of its coordinator. */
export interface CoordinatorOptions {
  /** Without it there is none: the service's own sweeper plans the polls. */
  readonly rlc?: boolean;
  readonly market: Market;
  readonly calendarOverrides: readonly CalendarOverride[];
}

/** Starts one that hands out the polls of all symbols of the market, in the stack's market time. */
export async function startCoordinator(
  options: CoordinatorOptions,
  now: () => EpochMs,
): Promise<Coordinator> {
  if (options.rlc !== true) return { variables: {}, stop: async () => {} };
  const token = randomBytes(24).toString("base64url");
  const symbols = options.market.symbols.map(({ symbol }) => symbol);
  const jobsDue = minuteJobs(createCalendar(options.calendarOverrides), symbols);
  const server = await startRlc({ now, token, jobsDue });
  return { variables: { RLC_URL: server.url, RLC_TOKEN: token }, stop: () => server.stop() };
}
