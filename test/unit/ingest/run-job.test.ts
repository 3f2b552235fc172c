import { describe, expect, it } from "vitest";
import type { BarsFetchJob } from "../../../src/contracts/jobs.ts";
import { NEW_BREAKER } from "../../../src/domain/breaker.ts";
import { type Credits, takeCredits } from "../../../src/domain/credits.ts";
import { type Outcome, scoreHealth } from "../../../src/domain/health.ts";
import type { ProviderId } from "../../../src/domain/provider-id.ts";
import { type RunJobDeps, runBarsJob } from "../../../src/ingest/run-job.ts";
import { ProviderError, type ProviderErrorKind } from "../../../src/providers/provider-error.ts";
import type { BarsAnswer, BarsRequest, Provider, ProviderDeps } from "../../../src/providers/provider.ts";
import type { Admission } from "../../../src/routing/admission.ts";
import { barOf, CALENDAR, MINUTE_MS, OPEN_MS } from "../../support/naive-group.ts";

const NOW_MS = OPEN_MS + 10 * MINUTE_MS;
const JOB: BarsFetchJob = {
  v: 1,
  type: "bars",
  id: "g07-poll-1",
  group: 7,
  duty: "poll:1",
  interval: "1m",
  symbols: ["AAPL", "KO", "MSFT"],
  start_ms: OPEN_MS,
  end_ms: OPEN_MS + 3 * MINUTE_MS,
  priority: 0,
  settle: false,
};
const CLOSED: Admission = { state: "closed", h: 1, probe: false };

type Script = (request: BarsRequest, deps: ProviderDeps) => Promise<BarsAnswer> | BarsAnswer;

/** Runs a job against scripted providers; says what each was asked and what its breaker was told. */
async function run(scripts: Partial<Record<ProviderId, Script>>, change: { job?: Partial<BarsFetchJob>; deps?: Partial<RunJobDeps>; credits?: number } = {}) {
  const asked: BarsRequest[] = [];
  const reported = new Map<ProviderId, Outcome[]>();
  const providers = Object.entries(scripts).map(([name, script]): Provider => {
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
      admit: async () => CLOSED,
      takeCredits: async (wanted) => {
        const granted = Math.min(wanted, credits);
        credits -= granted;
        return { granted, waitMs: granted === 0 ? 1_000 : 0 };
      },
      report: async (_capability, outcomes) => void reported.set(id, [...(reported.get(id) ?? []), ...outcomes]),
    }),
    get: () => Promise.reject(new Error("no network")),
    calendar: CALENDAR,
    sessions: ["regular"],
    market: { kind: "market", stepped: true, now: () => NOW_MS },
    wall: { kind: "wall", now: () => 1 },
    timeoutMs: 1_000,
    ...change.deps,
  };
  const outcome = await runBarsJob({ ...JOB, ...change.job }, deps);
  const h = (id: ProviderId) => scoreHealth(1, reported.get(id) ?? [], 500).h;
  return { outcome, asked, h, reported };
}

/** An answer of the sip feed for these symbols, with one call that took no time. */
function answered(request: BarsRequest, symbols: readonly string[], failure: ProviderErrorKind | null = null, change: Partial<BarsAnswer> = {}): BarsAnswer {
  return {
    rows: symbols.map((symbol) => barOf(symbol, request.startMs)),
    covered: symbols.length > 0 ? [{ symbols, startMs: request.startMs, endMs: request.endMs }] : [],
    feed: "sip",
    calls: [{ provider: "polygon", endpoint: "aggs", code: failure ?? "ok", durationMs: 0 }],
    failure: failure === null ? null : new ProviderError(failure, failure),
    ...change,
  };
}

const whole: Script = (request) => answered(request, request.symbols);

describe("a job whose first provider answers everything", () => {
  it("asks nobody else, and says who was asked, when and what was covered", async () => {
    const { outcome, asked } = await run({ polygon: whole, alpaca: whole });
    expect(asked).toHaveLength(1);
    expect(outcome).toMatchObject({ selected: ["polygon"], failures: [], uncovered: 0 });
    expect(outcome.answers).toMatchObject([{ source: { provider: "polygon", feed: "sip" }, askedAt: NOW_MS, settle: false }]);
  });
});

describe("a job whose first provider leaves something out", () => {
  it.each<[ProviderErrorKind]>([["malformed"], ["timeout"], ["unavailable"], ["rate_limited"], ["unauthorized"], ["not_entitled"], ["no_credits"]])(
    "asks the next one for exactly the uncovered symbols after %s, and keeps both answers",
    async (kind) => {
      const partial: Script = (request) => answered(request, ["KO"], kind);
      const { outcome, asked } = await run({ polygon: partial, alpaca: whole });
      expect(asked.map(({ symbols }) => symbols)).toEqual([JOB.symbols, ["AAPL", "MSFT"]]);
      expect(outcome.answers.map(({ source, bars }) => [source.provider, bars.length])).toEqual([
        ["polygon", 1],
        ["alpaca", 2],
      ]);
      expect(outcome).toMatchObject({ failures: [{ provider: "polygon", kind }], uncovered: 0 });
    },
  );

  // The table of ProviderError: both are facts about the job.
  it.each<[ProviderErrorKind]>([["bad_request"], ["not_found"]])("asks nobody else after %s", async (kind) => {
    const { outcome, asked } = await run({ polygon: (request) => answered(request, ["KO"], kind), alpaca: whole });
    expect(asked).toHaveLength(1);
    expect(outcome.uncovered).toBe(2);
  });

  it("asks the next one for the minutes that a delayed plan could not answer yet", async () => {
    const delayed: Script = (request) => {
      const covered = [{ symbols: request.symbols, startMs: request.startMs, endMs: request.startMs + MINUTE_MS }];
      return answered(request, request.symbols, "not_entitled", { covered });
    };
    const { outcome, asked } = await run({ polygon: delayed, alpaca: whole });
    expect(asked[1]?.symbols).toEqual(JOB.symbols);
    expect(outcome.answers.map(({ source }) => source.provider)).toEqual(["polygon", "alpaca"]);
  });

  it("keeps bars that came although nothing is covered, as of a page that was cut", async () => {
    const cut: Script = (request) => answered(request, ["AAPL", "KO"], "malformed", { covered: [] });
    const { outcome } = await run({ polygon: cut });
    expect(outcome.answers.flatMap(({ bars }) => bars.map(({ symbol }) => symbol))).toEqual(["AAPL", "KO"]);
    expect(outcome.uncovered).toBe(3);
  });
});

describe("what a job says of a provider's health", () => {
  it.each<[ProviderErrorKind, boolean]>([
    ["timeout", true],
    ["unavailable", true],
    ["malformed", true],
    ["no_credits", false],
    ["unauthorized", false],
    ["not_entitled", false],
    ["bad_request", false],
    ["not_found", false],
    // only a run of them does
    ["rate_limited", false],
  ])("after one %s it is lower: %s", async (kind, lower) => {
    const { h } = await run({ polygon: (request) => answered(request, [], kind) });
    expect(h("polygon") < 1 - 1e-9).toBe(lower);
  });

  it("is not lowered when our own quota ran out after the first symbols", async () => {
    const calls = (["ok", "no_credits"] as const).map((code) => ({ provider: "polygon" as const, endpoint: "aggs", code, durationMs: 0 }));
    const { h } = await run({ polygon: (request) => answered(request, ["AAPL"], "no_credits", { calls }) });
    expect(h("polygon")).toBeCloseTo(1, 9);
  });

  it("is nothing when no call was made", async () => {
    const { reported } = await run({ polygon: (request) => answered(request, [], "no_credits", { calls: [] }) });
    expect(reported.get("polygon") ?? []).toEqual([]);
    expect(NEW_BREAKER.window).toEqual([]);
  });
});

describe("the bars of an answer", () => {
  it("are refused with a counted reason one by one, the others stand", async () => {
    const bad: Script = (request) =>
      answered(request, request.symbols, null, {
        rows: [
          barOf("AAPL", OPEN_MS),
          barOf("TSLA", OPEN_MS),
          { ...barOf("KO", OPEN_MS), low: 0 },
          { ...barOf("KO", OPEN_MS), high: 1 },
          barOf("KO", OPEN_MS + 1),
          barOf("KO", OPEN_MS - MINUTE_MS),
          barOf("KO", JOB.end_ms),
        ],
      });
    const { outcome } = await run({ polygon: bad });
    expect(outcome.answers[0]?.bars.map(({ symbol }) => symbol)).toEqual(["AAPL"]);
    expect(outcome.answers[0]?.refused).toEqual({
      foreign_symbol: 1,
      price_not_positive: 1,
      high_below_low: 1,
      misaligned: 1,
      out_of_window: 2,
    });
  });

  it.each([
    [["regular"] as const, 2, { outside_session: 2 }],
    [["pre", "regular", "post"] as const, 4, {}],
  ])("outside of the sessions %s are refused, the closing window is kept", async (sessions, kept, refused) => {
    const closeMs = OPEN_MS + 390 * MINUTE_MS;
    const rows = [-1, 3, 4, 5].map((i) => barOf("AAPL", closeMs + i * MINUTE_MS));
    const job = { start_ms: closeMs - MINUTE_MS, end_ms: closeMs + 10 * MINUTE_MS };
    const script: Script = (request) => answered(request, request.symbols, null, { rows });
    const { outcome } = await run({ polygon: script }, { job, deps: { sessions } });
    expect(outcome.answers[0]?.bars.map(({ ts }) => ts)).toHaveLength(kept);
    expect(outcome.answers[0]?.refused).toEqual(refused);
  });

  it("at night are refused whatever the sessions", async () => {
    const nightMs = OPEN_MS - 6 * 3_600_000;
    const job = { start_ms: nightMs, end_ms: nightMs + MINUTE_MS };
    const { outcome } = await run({ polygon: whole }, { job, deps: { sessions: ["pre", "regular", "post"] } });
    expect(outcome.answers[0]).toMatchObject({ bars: [], refused: { outside_session: 3 } });
  });
});

describe("the credits of a job", () => {
  it("are taken before each call, and the job keeps what it got when they run out", async () => {
    const perSymbol: Script = async (request, deps) => {
      const done: string[] = [];
      const wanted = request.symbols.map(async (symbol) => {
        await deps.spend();
        done.push(symbol);
      });
      const results = await Promise.allSettled(wanted);
      const failed = results.some(({ status }) => status === "rejected");
      return answered(request, done, failed ? "no_credits" : null);
    };
    const { outcome } = await run({ polygon: perSymbol }, { credits: 2 });
    expect(outcome).toMatchObject({ uncovered: 1, failures: [{ kind: "no_credits" }] });
  });

  it("are not used up by what was handed out and not spent: 32 jobs of one call share 32 credits a minute", async () => {
    let bucket: Credits | null = null;
    const oneCall: Script = async (request, deps) => {
      const granted = await deps.spend().then(() => true, () => false);
      return granted ? answered(request, request.symbols) : answered(request, [], "no_credits", { calls: [] });
    };
    const breaker: RunJobDeps["breaker"] = () => ({
      admit: async () => CLOSED,
      takeCredits: async (wanted) => {
        const taken = takeCredits(bucket, wanted, NOW_MS, 32);
        bucket = taken.credits;
        return taken;
      },
      report: async () => {},
    });
    let refused = 0;
    for (let group = 0; group < 32; group += 1) {
      const { outcome } = await run({ alpaca: oneCall }, { job: { group }, deps: { breaker } });
      refused += outcome.failures.length;
    }
    expect(refused).toBe(0);
  });
});
