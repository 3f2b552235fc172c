import type { TaskOutcome } from "../contracts/tasks.ts";
import { checkSplits } from "../domain/split.ts";
import { log } from "../platform/log.ts";
import type { SqlClient } from "../postgres/sql-client.ts";
import { lastSplitsRead, storeSplits } from "../postgres/splits-store.ts";
import type { Provider, ProviderVerbs } from "../providers/provider.ts";
import { askInOrder, unservedReason } from "./ask-in-order.ts";
import type { AskDeps } from "./ask-provider.ts";
import { splitsRange } from "./plan-splits.ts";

/** A provider that lists the splits of the market. */
export type SplitsProvider = Provider & Pick<ProviderVerbs, "fetchSplits">;

/** Who is asked, and where the splits go. */
export interface SplitsDeps extends AskDeps {
  readonly providers: readonly SplitsProvider[];
  readonly sql: SqlClient;
}

/** Whether a provider's API lists splits; every plan may read its list. */
export function hasSplits(provider: Provider): provider is SplitsProvider {
  return provider.fetchSplits !== undefined;
}

/**
 * Asks the first provider that answers for the splits of the dates around today, and stores what differs.
 * Only a whole answer is stored, for what it does not tell of counts as withdrawn; an answer that lacks
 * too much of what was told before withdraws nothing and is asked for again. Rejects when Postgres is away.
 */
export async function readSplitsFrom(deps: SplitsDeps): Promise<TaskOutcome> {
  const { sql, providers } = deps;
  const [first] = providers;
  const last = first === undefined ? null : await lastSplitsRead(sql, first.id);
  const askedAtMs = deps.market.now();
  const range = splitsRange(askedAtMs, last?.askedAtMs ?? null);
  const asked = await askInOrder(
    providers,
    (provider, providerDeps) => provider.fetchSplits(range, providerDeps),
    deps,
  );
  const { given, told, mayPass } = asked;
  const unserved = unservedReason(providers, asked);
  const standing = unserved === undefined ? {} : { unserved };
  if (given === null) return { ...told, ...standing, done: !mayPass };
  const { provider, answer } = given;
  const { splits, refused } = checkSplits(answer.splits, range);
  const nowMs = deps.market.now();
  const written = await storeSplits(sql, { source: provider, ...range, splits, askedAtMs, nowMs });
  const { put, withdrawn, isDoubted } = written;
  log(isDoubted ? "warn" : "info", "splits were read", {
    provider,
    ...range,
    splits: splits.length,
    unmappable: answer.unmappable.length,
    put,
    withdrawn,
    is_doubted: isDoubted,
  });
  return { ...told, ...standing, refused: { ...refused }, done: !isDoubted };
}
