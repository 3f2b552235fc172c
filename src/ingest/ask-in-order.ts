import type { TaskOutcome } from "../contracts/tasks.ts";
import type { CreditLane } from "../domain/credits.ts";
import type { ProviderCall, ProviderDeps, Provider } from "../providers/provider.ts";
import { isPassing, type ProviderError } from "../providers/provider-error.ts";
import { type AskDeps, askProvider } from "./ask-provider.ts";

/** What is asked once a day is not urgent: it leaves the last of the quota to polls. */
const LANE: CreditLane = "T0";

/** What every answer of these verbs has. */
interface Answered {
  readonly calls: readonly ProviderCall[];
  readonly failure: ProviderError | null;
}

/** The first whole answer, and how asking for it went. */
export interface OrderedAnswer<Answer> {
  /** Null when nobody answered whole. */
  readonly given: { readonly provider: Provider["id"]; readonly answer: Answer } | null;
  readonly told: Pick<TaskOutcome, "calls" | "selected" | "failures">;
  /** Somebody failed in a way that may be over when the same is asked again. */
  readonly mayPass: boolean;
}

/**
 * Asks these providers, one after the other, until one answers without a failure. For what is asked once a
 * day and tells nothing about how bars are served: only credits are reported to the breaker. A provider
 * that a person holds back is not asked.
 */
export async function askInOrder<P extends Provider, Answer extends Answered>(
  providers: readonly P[],
  call: (provider: P, deps: ProviderDeps) => Promise<Answer>,
  deps: AskDeps,
): Promise<OrderedAnswer<Answer>> {
  const told: OrderedAnswer<Answer>["told"] = { calls: [], selected: [], failures: [] };
  let mayPass = false;
  for (const provider of providers) {
    const { id } = provider;
    const { state } = await deps.breaker(id).admission("bars_1d");
    if (state === "isolated") continue;
    const answer = await askProvider(
      {
        provider: id,
        capability: "bars_1d",
        lane: LANE,
        call: (providerDeps) => call(provider, providerDeps),
        outcomes: null,
      },
      deps,
    );
    told.selected.push(id);
    told.calls.push(...answer.calls);
    const { failure } = answer;
    if (failure === null) return { given: { provider: id, answer }, told, mayPass };
    told.failures.push({ provider: id, kind: failure.kind, message: failure.message });
    mayPass ||= isPassing(failure.kind);
  }
  return { given: null, told, mayPass };
}

/**
 * Why nothing that is configured serves what was asked for; null when it was answered, undefined when the
 * failures say nothing of it.
 */
export function unservedReason(
  asked: readonly Provider[],
  { given, told }: OrderedAnswer<unknown>,
): string | null | undefined {
  if (given !== null) return null;
  if (asked.length === 0) return "no configured provider has it";
  const isRefused = ({ kind }: (typeof told.failures)[number]) =>
    kind === "not_entitled" || kind === "unauthorized";
  if (told.failures.length === 0 || !told.failures.every(isRefused)) return undefined;
  return told.failures.map(({ provider, message }) => `${provider} ${message}`).join("; ");
}
