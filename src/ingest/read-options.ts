import type { TaskOf, TaskOutcome } from "../contracts/tasks.ts";
import type { Calendar } from "../domain/calendar.ts";
import { optionsMetrics } from "../domain/options-metrics.ts";
import { formatTradingDate, parseTradingDate } from "../domain/trading-date.ts";
import { log } from "../platform/log.ts";
import { storeOptions } from "../postgres/options-store.ts";
import type { SqlClient } from "../postgres/sql-client.ts";
import type { Provider, ProviderVerbs } from "../providers/provider.ts";
import { askInOrder, unservedReason } from "./ask-in-order.ts";
import type { AskDeps } from "./ask-provider.ts";

/** Underlyings of one run: eighty pages each stay below the thousand calls that an invocation may make. */
const MAX_RUN = 10;

/** Expiries that the chain is read to: half as far again as the term that volatility is read at. */
const EXPIRY_DAYS = 45;

/** A provider that tells option chains. */
export type OptionsProvider = Provider & Pick<ProviderVerbs, "fetchOptionChain">;

/** Who is asked, and where the metrics go. */
export interface OptionsDeps extends AskDeps {
  readonly providers: readonly OptionsProvider[];
  readonly sql: SqlClient;
  readonly calendar: Calendar;
}

/** Whether a provider's API tells option chains; the key finds out whether its plan does. */
export function hasOptions(provider: Provider): provider is OptionsProvider {
  return provider.fetchOptionChain !== undefined;
}

/**
 * Reads the chains of some underlyings and stores what they say. Once the next session has opened they are
 * of another date, and nothing is asked. A key that is not entitled makes the whole task unserved. An
 * underlying that nobody has options of counts as answered. Rejects when Postgres is away.
 */
export async function readOptionsFrom(
  { date, underlyings }: TaskOf<"options">,
  deps: OptionsDeps,
): Promise<TaskOutcome> {
  const outcome: Pick<TaskOutcome, "calls" | "selected" | "failures"> = {
    calls: [],
    selected: [],
    failures: [],
  };
  const session = deps.calendar.session(date);
  const isOver = (nowMs: number) =>
    session === undefined || nowMs >= deps.calendar.nextSession(session.openMs).openMs;
  const through = formatTradingDate(parseTradingDate(date) + EXPIRY_DAYS);
  const answered: string[] = [];
  let hasChain = false;
  for (const underlying of underlyings.slice(0, MAX_RUN)) {
    const askedAtMs = deps.market.now();
    if (isOver(askedAtMs)) return { ...outcome, answered_underlyings: answered, done: true };
    const asked = await askInOrder(
      deps.providers,
      (provider, access) => provider.fetchOptionChain({ underlying, date, through }, access),
      deps,
    );
    const { given, told } = asked;
    outcome.calls.push(...told.calls);
    outcome.selected.push(...told.selected);
    outcome.failures.push(...told.failures);
    const reason = unservedReason(deps.providers, asked);
    if (typeof reason === "string") return { ...outcome, unserved: reason, done: true };
    const chain = given?.answer.chain ?? null;
    if (given !== null && chain !== null) {
      const row = { underlying, source: given.provider, askedAtMs, ...optionsMetrics(chain) };
      await storeOptions(deps.sql, date, row, deps.market.now());
      hasChain = true;
    }
    if (chain !== null || !asked.mayPass) answered.push(underlying);
  }
  log("info", "option chains were read", { date, answered: answered.join(",") });
  return {
    ...outcome,
    ...(hasChain ? { unserved: null } : {}),
    answered_underlyings: answered,
    done: answered.length === underlyings.length,
  };
}
