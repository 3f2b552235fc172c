import { SANDBOX_PROVIDERS } from "./fault.ts";
import type { SandboxProvider } from "./fault.ts";

/** Calls of one provider since the start. Requests without an answer hang, or were given up. */
export interface ProviderStats {
  readonly requests: number;
  /** Answers by HTTP status. */
  readonly answers: Readonly<Record<string, number>>;
}
export type SandboxStats = Readonly<Record<SandboxProvider, ProviderStats>>;

/** Counts of a run, to compare with what the service believes it has called. */
export interface StatsRecorder {
  countRequest(provider: SandboxProvider): void;
  countAnswer(provider: SandboxProvider, status: number): void;
  snapshot(): SandboxStats;
}

/** All counts at zero. */
export function createStatsRecorder(): StatsRecorder {
  const requests = new Map<SandboxProvider, number>();
  const answers = new Map(
    SANDBOX_PROVIDERS.map((provider) => [provider, new Map<string, number>()]),
  );
  const read = (provider: SandboxProvider): ProviderStats => ({
    requests: requests.get(provider) ?? 0,
    answers: Object.fromEntries(answers.get(provider) ?? []),
  });
  return {
    countRequest: (provider) => requests.set(provider, (requests.get(provider) ?? 0) + 1),
    countAnswer: (provider, status) => {
      const byStatus = answers.get(provider);
      byStatus?.set(String(status), (byStatus.get(String(status)) ?? 0) + 1);
    },
    snapshot: () => ({ alpaca: read("alpaca"), polygon: read("polygon") }),
  };
}
