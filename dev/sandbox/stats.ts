import { SANDBOX_PROVIDERS } from "./endpoint.ts";
import type { Route, SandboxProvider } from "./endpoint.ts";

/** Calls of one provider since the start. Requests without an answer hang, or were given up. */
export interface ProviderStats {
  readonly requests: number;
  /** Answers by HTTP status. */
  readonly answers: Readonly<Record<string, number>>;
  /** Requests by endpoint; those of no endpoint are `unknown`. */
  readonly endpoints: Readonly<Record<string, number>>;
  /** Calls for minutes of a session whose settle pass was over (see `isAskedAfterSettle`). */
  readonly askedAfterSettle: number;
}
export type SandboxStats = Readonly<Record<SandboxProvider, ProviderStats>>;

/** Counts of a run, to compare with what the service believes it has called. */
export interface StatsRecorder {
  countRequest(route: Route): void;
  countAnswer(provider: SandboxProvider, status: number): void;
  countAskedAfterSettle(provider: SandboxProvider): void;
  snapshot(): SandboxStats;
}

class Counts {
  readonly #counts = new Map<string, number>();

  add(name: string): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1);
  }

  total(): number {
    return [...this.#counts.values()].reduce((sum, count) => sum + count, 0);
  }

  toObject(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#counts);
  }
}

/** All counts at zero. */
export function createStatsRecorder(): StatsRecorder {
  const endpoints = new Map(SANDBOX_PROVIDERS.map((provider) => [provider, new Counts()]));
  const answers = new Map(SANDBOX_PROVIDERS.map((provider) => [provider, new Counts()]));
  const afterSettle = new Counts();
  const read = (provider: SandboxProvider): ProviderStats => ({
    requests: endpoints.get(provider)?.total() ?? 0,
    answers: answers.get(provider)?.toObject() ?? {},
    endpoints: endpoints.get(provider)?.toObject() ?? {},
    askedAfterSettle: afterSettle.toObject()[provider] ?? 0,
  });
  return {
    countRequest: ({ provider, endpoint }) => endpoints.get(provider)?.add(endpoint ?? "unknown"),
    countAnswer: (provider, status) => answers.get(provider)?.add(String(status)),
    countAskedAfterSettle: (provider) => afterSettle.add(provider),
    snapshot: () => ({
      alpaca: read("alpaca"),
      polygon: read("polygon"),
      finnhub: read("finnhub"),
      iex: read("iex"),
    }),
  };
}
