import type { GroupFetch } from "../../src/contracts/group-fetch.ts";
import type { CreditLane, RateNotice } from "../../src/domain/credits.ts";
import { type Outcome, scoreHealth } from "../../src/domain/health.ts";
import type { ProviderId } from "../../src/domain/provider-id.ts";
import { type RunJobDeps, runBarsJob } from "../../src/ingest/run-job.ts";
import { ProviderError, type ProviderErrorKind } from "../../src/providers/provider-error.ts";
import type {
  BarsAnswer,
  BarsRequest,
  ProviderDeps,
  ProviderOf,
} from "../../src/providers/provider.ts";
import type { Admission, CallsReport } from "../../src/routing/admission.ts";
import { barOf, CALENDAR, MINUTE_MS, OPEN_MS } from "./naive-group.ts";

/** Market time of a scripted job. */
export const NOW_MS = OPEN_MS + 10 * MINUTE_MS;
/** Three symbols over the first three minutes of a session. */
export const JOB: GroupFetch = {
  v: 1,
  id: "g07-poll-1",
  group: 7,
  duty: "poll:1",
  interval: "1m",
  symbols: ["AAPL", "KO", "MSFT"],
  start_ms: OPEN_MS,
  end_ms: OPEN_MS + 3 * MINUTE_MS,
  priority: 0,
  settle: false,
  lane: "live",
  rates: [],
  owners: [],
};
/** What a closed breaker says. */
export const CLOSED: Admission = { state: "closed", h: 1 };

/** What a provider answers. */
export type Script = (request: BarsRequest, deps: ProviderDeps) => Promise<BarsAnswer> | BarsAnswer;

/**
 * Runs a job against scripted providers; says what each was asked, whose probes it wanted, what each
 * breaker was told and what is left of the credits that they share.
 */
export async function run(
  scripts: Partial<Record<ProviderId, Script>>,
  change: {
    job?: Partial<GroupFetch>;
    deps?: Partial<RunJobDeps>;
    credits?: number;
    admissions?: Partial<Record<ProviderId, Admission>>;
    /** Providers whose probes are all on their way. */
    probing?: readonly ProviderId[];
  } = {},
) {
  const asked: BarsRequest[] = [];
  const probesWanted: ProviderId[] = [];
  const reported = new Map<ProviderId, Outcome[]>();
  const reports: { provider: ProviderId; report: CallsReport }[] = [];
  const lanes: CreditLane[] = [];
  const notices: RateNotice[] = [];
  const providers = Object.entries(scripts).map(([name, script]): ProviderOf<"bars_1m"> => {
    const id = name === "polygon" || name === "alpaca" || name === "finnhub" ? name : "iex";
    return {
      id,
      capabilities: ["bars_1m"],
      fetchBars: async (request, deps) => {
        asked.push(request);
        return script(request, deps);
      },
    };
  });
  let credits = change.credits ?? 1_000;
  const deps: RunJobDeps = {
    providers,
    breaker: (id) => ({
      admission: async () => change.admissions?.[id] ?? CLOSED,
      takeProbe: async () => {
        probesWanted.push(id);
        return change.probing?.includes(id) !== true;
      },
      takeCredits: async (wanted, lane) => {
        lanes.push(lane);
        const granted = Math.min(wanted, credits);
        credits -= granted;
        return { granted, waitMs: granted === 0 ? 1_000 : 0 };
      },
      correctCredits: async (notice) => void notices.push(notice),
      report: async (_capability, report) => {
        credits += report.unspentCredits;
        reports.push({ provider: id, report });
        reported.set(id, [...(reported.get(id) ?? []), ...report.outcomes]);
      },
      recordDecision: async () => {},
    }),
    get: () => Promise.reject(new Error("no network")),
    calendar: CALENDAR,
    sessions: ["regular"],
    market: { kind: "market", stepped: true, now: () => NOW_MS },
    wall: { kind: "wall", now: () => 1 },
    timeoutMs: 1_000,
    ...change.deps,
  };
  const { outcome, decisions } = await runBarsJob({ ...JOB, ...change.job }, deps);
  const [decision] = decisions;
  if (decision === undefined) throw new Error("the job decided nothing");
  const h = (id: ProviderId) => scoreHealth(1, reported.get(id) ?? [], 500).h;
  const creditsLeft = credits;
  return {
    outcome,
    decision,
    asked,
    h,
    reported,
    reports,
    probesWanted,
    lanes,
    notices,
    creditsLeft,
  };
}

/** An answer of the sip feed for these symbols, with one call that took no time. */
export function answered(
  request: BarsRequest,
  symbols: readonly string[],
  failure: ProviderErrorKind | null = null,
  change: Partial<BarsAnswer> = {},
): BarsAnswer {
  return {
    rows: symbols.map((symbol) => barOf(symbol, request.startMs)),
    covered:
      symbols.length > 0 ? [{ symbols, startMs: request.startMs, endMs: request.endMs }] : [],
    feed: "sip",
    calls: [{ provider: "polygon", endpoint: "aggs", code: failure ?? "ok", durationMs: 0 }],
    failure: failure === null ? null : new ProviderError(failure, failure),
    ...change,
  };
}

/** Answers whatever it is asked. */
export const whole: Script = (request) => answered(request, request.symbols);
