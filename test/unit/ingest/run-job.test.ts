import { describe, expect, it } from "vitest";
import { type Credits, takeCredits } from "../../../src/domain/credits.ts";
import type { RunJobDeps } from "../../../src/ingest/run-job.ts";
import type { ProviderErrorKind } from "../../../src/providers/provider-error.ts";
import type { Admission, BreakerPort } from "../../../src/routing/admission.ts";
import { barOf, MINUTE_MS, OPEN_MS } from "../../support/naive-group.ts";
import {
  answered,
  CLOSED,
  JOB,
  NOW_MS,
  run,
  type Script,
  whole,
} from "../../support/scripted-job.ts";

/** Breakers that are closed and hand out credits by a rule of the test's own. */
function breakerWith(take: BreakerPort["takeCredits"]): RunJobDeps["breaker"] {
  return () => ({
    admission: async () => CLOSED,
    takeProbe: async () => true,
    takeCredits: take,
    correctCredits: async () => {},
    report: async () => {},
    recordDecision: async () => {},
  });
}

describe("a job whose first provider answers everything", () => {
  it("asks nobody else, and says who was asked, when and what was covered", async () => {
    const { outcome, asked } = await run({ polygon: whole, alpaca: whole });
    expect(asked).toHaveLength(1);
    expect(outcome).toMatchObject({ selected: ["polygon"], failures: [], uncovered: 0 });
    expect(outcome.answers).toMatchObject([
      { source: { provider: "polygon", feed: "sip" }, askedAt: NOW_MS, settle: false },
    ]);
  });
});

describe("a job whose first provider leaves something out", () => {
  it.each<[ProviderErrorKind]>([
    ["malformed"],
    ["timeout"],
    ["unavailable"],
    ["rate_limited"],
    ["unauthorized"],
    ["not_entitled"],
    ["no_credits"],
    ["bad_request"],
    ["not_found"],
  ])(
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

  it("asks the next one for the minutes that a delayed plan could not answer yet", async () => {
    const delayed: Script = (request) => {
      const covered = [
        { symbols: request.symbols, startMs: request.startMs, endMs: request.startMs + MINUTE_MS },
      ];
      return answered(request, request.symbols, "not_entitled", { covered });
    };
    const { outcome, asked } = await run({ polygon: delayed, alpaca: whole });
    expect(asked[1]?.symbols).toEqual(JOB.symbols);
    expect(outcome.answers.map(({ source }) => source.provider)).toEqual(["polygon", "alpaca"]);
  });

  it("keeps bars that came although nothing is covered, as of a page that was cut", async () => {
    const cut: Script = (request) =>
      answered(request, ["AAPL", "KO"], "malformed", { covered: [] });
    const { outcome } = await run({ polygon: cut });
    expect(outcome.answers.flatMap(({ bars }) => bars.map(({ symbol }) => symbol))).toEqual([
      "AAPL",
      "KO",
    ]);
    expect(outcome.uncovered).toBe(3);
  });
});

describe("the probes of a job", () => {
  const HALF_OPEN: Admission = { state: "half_open", h: 0.5 };
  const OPEN: Admission = { state: "open", h: 0.3 };
  const providers = { polygon: whole, alpaca: whole, finnhub: whole };

  it("are not taken behind a closed provider that answers everything", async () => {
    const { probesWanted, outcome } = await run(providers, {
      admissions: { polygon: OPEN, finnhub: HALF_OPEN },
    });
    expect(probesWanted).toEqual([]);
    expect(outcome.selected).toEqual(["alpaca"]);
  });

  it("are taken in front of the first closed provider, which is not asked when the probe answers", async () => {
    const { probesWanted, outcome } = await run(providers, { admissions: { polygon: HALF_OPEN } });
    expect(probesWanted).toEqual(["polygon"]);
    expect(outcome.selected).toEqual(["polygon"]);
  });

  it("leave the job to the next provider when enough of them are on their way", async () => {
    const { outcome } = await run(providers, {
      admissions: { polygon: HALF_OPEN },
      probing: ["polygon"],
    });
    expect(outcome.selected).toEqual(["alpaca"]);
  });

  it("are done without when nobody else could be asked: the best usable provider is", async () => {
    const { outcome } = await run(providers, {
      admissions: { polygon: HALF_OPEN, alpaca: OPEN, finnhub: { state: "isolated", h: 0.9 } },
      probing: ["polygon"],
    });
    expect(outcome).toMatchObject({ selected: ["polygon"], uncovered: 0 });
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
    const calls = (["ok", "no_credits"] as const).map((code) => ({
      provider: "polygon" as const,
      endpoint: "aggs",
      code,
      durationMs: 0,
    }));
    const { h } = await run({
      polygon: (request) => answered(request, ["AAPL"], "no_credits", { calls }),
    });
    expect(h("polygon")).toBeCloseTo(1, 9);
  });

  it("gives each call an equal share of the symbol-minutes, and names the limited one", async () => {
    const calls = (["ok", "ok", "rate_limited"] as const).map((code) => ({
      provider: "polygon" as const,
      endpoint: "aggs",
      code,
      durationMs: 0,
    }));
    const { reported, h } = await run({
      polygon: (request) => answered(request, ["AAPL", "KO"], "rate_limited", { calls }),
    });
    expect(reported.get("polygon")).toMatchObject([
      { ok: true, limited: false, asked: 2, answered: 2 },
      { ok: true, limited: false, asked: 2, answered: 2 },
      { ok: false, limited: true, asked: 2, answered: 2 },
    ]);
    expect(h("polygon")).toBeCloseTo(1, 9);
  });

  it("is lowered by what two rate limits in a row left out", async () => {
    const call = {
      provider: "polygon",
      endpoint: "aggs",
      code: "rate_limited",
      durationMs: 0,
    } as const;
    const { h } = await run({
      polygon: (request) => answered(request, [], "rate_limited", { calls: [call, call] }),
    });
    // Half of the calls failed, the slowest counts as the cap, and nothing was answered.
    expect(h("polygon")).toBeCloseTo(0.45 + 0.2 / 2, 9);
  });

  it("is nothing when no call was made", async () => {
    const { reported } = await run({
      polygon: (request) => answered(request, [], "no_credits", { calls: [] }),
    });
    expect(reported.get("polygon") ?? []).toEqual([]);
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
    const { outcome, reported } = await run({ polygon: bad });
    // That foreign rows came is a failure of the call, though each is refused alone.
    expect(reported.get("polygon")?.map(({ ok }) => ok)).toEqual([false]);
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
  ])(
    "outside of the sessions %s are refused, the closing window is kept",
    async (sessions, kept, refused) => {
      const closeMs = OPEN_MS + 390 * MINUTE_MS;
      const rows = [-1, 4, 5, 6].map((i) => barOf("AAPL", closeMs + i * MINUTE_MS));
      const job = { start_ms: closeMs - MINUTE_MS, end_ms: closeMs + 10 * MINUTE_MS };
      const script: Script = (request) => answered(request, request.symbols, null, { rows });
      const { outcome } = await run({ polygon: script }, { job, deps: { sessions } });
      expect(outcome.answers[0]?.bars.map(({ ts }) => ts)).toHaveLength(kept);
      expect(outcome.answers[0]?.refused).toEqual(refused);
    },
  );

  it("at night are refused whatever the sessions", async () => {
    const nightMs = OPEN_MS - 6 * 3_600_000;
    const job = { start_ms: nightMs, end_ms: nightMs + MINUTE_MS };
    const { outcome } = await run(
      { polygon: whole },
      { job, deps: { sessions: ["pre", "regular", "post"] } },
    );
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

  it("come back as far as they were not spent", async () => {
    const fiveCalls: Script = async (request, deps) => {
      for (let i = 0; i < 5; i += 1) await deps.spend();
      return answered(request, request.symbols);
    };
    expect((await run({ polygon: fiveCalls }, { credits: 100 })).creditsLeft).toBe(95);
  });

  it("are taken one, two, four, then eight at a time", async () => {
    const wanted: number[] = [];
    const breaker = breakerWith(async (credits) => {
      wanted.push(credits);
      return { granted: credits, waitMs: 0 };
    });
    const manyCalls: Script = async (request, deps) => {
      for (let i = 0; i < 16; i += 1) await deps.spend();
      return answered(request, request.symbols);
    };
    await run({ polygon: manyCalls }, { deps: { breaker } });
    expect(wanted).toEqual([1, 2, 4, 8, 8]);
  });

  it("are not used up by what was handed out and not spent: 32 jobs of one call share 32 credits a minute", async () => {
    let bucket: Credits | null = null;
    const oneCall: Script = async (request, deps) => {
      const granted = await deps.spend().then(
        () => true,
        () => false,
      );
      return granted
        ? answered(request, request.symbols)
        : answered(request, [], "no_credits", { calls: [] });
    };
    const breaker = breakerWith(async (wanted, lane) => {
      const taken = takeCredits(bucket, { wanted, lane, nowMs: NOW_MS, perMinute: 32 });
      bucket = taken.credits;
      return taken;
    });
    let refused = 0;
    for (let group = 0; group < 32; group += 1) {
      const { outcome } = await run({ alpaca: oneCall }, { job: { group }, deps: { breaker } });
      refused += outcome.failures.length;
    }
    expect(refused).toBe(0);
  });
});
