import { describe, expect, it } from "vitest";
import type { GroupFetch } from "../../../src/contracts/group-fetch.ts";
import { RATE_SPAN_MS } from "../../../src/domain/plausibility.ts";
import type { BarsRequest } from "../../../src/providers/provider.ts";
import { barOf, MINUTE_MS, OPEN_MS } from "../../support/naive-group.ts";
import { answered, run, type Script } from "../../support/scripted-job.ts";

const SYMBOLS = ["A", "B", "C", "D", "E", "F", "G", "H"];
const at = (index: number) => OPEN_MS + index * MINUTE_MS;
/** Eight symbols that trade in nearly every one of three minutes. */
const job: Partial<GroupFetch> = {
  symbols: SYMBOLS,
  rates: [{ fromMs: OPEN_MS, rates: SYMBOLS.map(() => 0.9) }],
};

const minutesOf = ({ startMs, endMs }: BarsRequest) =>
  Array.from({ length: (endMs - startMs) / MINUTE_MS }, (_, index) => startMs + index * MINUTE_MS);
/** Answers every symbol at every minute that `has` says. */
const bars =
  (has: (ts: number) => boolean): Script =>
  (request) =>
    answered(request, request.symbols, null, {
      rows: minutesOf(request)
        .filter(has)
        .flatMap((ts) => request.symbols.map((symbol) => barOf(symbol, ts))),
    });
const full = bars(() => true);
const empty = bars(() => false);
const doubts = (outcome: Awaited<ReturnType<typeof run>>["outcome"]) =>
  outcome.answers.map(({ source, doubted, agreed, alone }) => ({
    provider: source.provider,
    doubted,
    agreed,
    alone,
  }));

describe("an answer that cannot be believed", () => {
  it("is taken with its bars, and the next provider is asked for all symbols of what is doubted", async () => {
    const { outcome, asked } = await run(
      { alpaca: bars((ts) => ts !== at(1)), polygon: full },
      { job },
    );
    expect(asked.map(({ symbols, startMs, endMs }) => [symbols, startMs, endMs])).toEqual([
      [SYMBOLS, at(0), at(3)],
      [SYMBOLS, at(1), at(2)],
    ]);
    expect(outcome.answers.map((answer) => answer.bars.length)).toEqual([16, 8]);
    expect(doubts(outcome)).toEqual([
      { provider: "alpaca", doubted: [at(1)], agreed: [], alone: false },
      { provider: "polygon", doubted: [], agreed: [], alone: false },
    ]);
  });

  it("is seen in few symbols too, which the next provider is asked for beside busy ones", async () => {
    // Polygon has no name for H, as for preferreds; one symbol alone could not judge the next answer.
    const allButH: Script = (request) =>
      answered(
        request,
        request.symbols.filter((symbol) => symbol !== "H"),
        null,
        {
          rows: minutesOf(request).flatMap((ts) =>
            request.symbols.filter((symbol) => symbol !== "H").map((symbol) => barOf(symbol, ts)),
          ),
        },
      );
    const sick = await run({ polygon: allButH, alpaca: empty }, { job });
    expect(sick.asked[1]?.symbols).toContain("H");
    expect(sick.asked[1]?.symbols.length).toBeGreaterThan(3);
    const [, none] = sick.outcome.answers;
    expect(none?.doubted).toEqual([at(0), at(1), at(2)]);
    expect(none?.covered.flatMap(({ symbols }) => symbols)).toEqual(["H"]);
    // An honest one that has no bar of H either is believed, and says nothing of the witnesses.
    const quietH: Script = (request) => {
      const busy = request.symbols.filter((symbol) => symbol !== "H");
      const rows = minutesOf(request).flatMap((ts) => busy.map((symbol) => barOf(symbol, ts)));
      return answered(request, request.symbols, null, { rows });
    };
    const sound = await run({ polygon: allButH, alpaca: quietH }, { job });
    expect(sound.outcome.answers[1]).toMatchObject({ doubted: [], bars: [] });
    expect(sound.outcome.uncovered).toBe(0);
  });

  it("leaves its provider less complete, and no less sound otherwise", async () => {
    const { reported } = await run({ alpaca: empty, polygon: full }, { job });
    expect(reported.get("alpaca")).toMatchObject([{ ok: true, asked: 24, answered: 0 }]);
    expect(reported.get("polygon")).toMatchObject([{ ok: true, asked: 24, answered: 24 }]);
    const part = await run({ alpaca: bars((ts) => ts === at(0)), polygon: full }, { job });
    expect(part.reported.get("alpaca")).toMatchObject([{ asked: 24, answered: 8 }]);
  });

  it("is borne out by a second provider that has as little, and nobody else is asked", async () => {
    const { outcome, asked } = await run({ alpaca: empty, polygon: empty, finnhub: full }, { job });
    expect(asked).toHaveLength(2);
    expect(doubts(outcome)).toEqual([
      { provider: "alpaca", doubted: [at(0), at(1), at(2)], agreed: [], alone: false },
      { provider: "polygon", doubted: [], agreed: [at(0), at(1), at(2)], alone: false },
    ]);
  });

  it("is borne out minute by minute", async () => {
    const { outcome } = await run(
      { alpaca: bars((ts) => ts === at(2)), polygon: bars((ts) => ts !== at(1)) },
      { job },
    );
    expect(doubts(outcome).map(({ doubted, agreed }) => [doubted, agreed])).toEqual([
      [[at(0), at(1)], []],
      [[], [at(1)]],
    ]);
  });

  it("is not borne out by another feed of the same host: a third is asked", async () => {
    const { outcome, asked } = await run({ alpaca: empty, iex: empty, polygon: empty }, { job });
    expect(asked).toHaveLength(3);
    expect(doubts(outcome).map(({ doubted, agreed }) => [doubted.length, agreed.length])).toEqual([
      [3, 0],
      [3, 0],
      [0, 3],
    ]);
  });

  it("is not borne out by a single venue that saw its usual part of the market", async () => {
    const third: Script = (request) =>
      answered(request, request.symbols, null, {
        feed: "iex",
        rows: ["A", "B"].map((symbol) => barOf(symbol, at(0))),
      });
    const { outcome } = await run({ polygon: empty, iex: third }, { job });
    const [, iex] = outcome.answers;
    expect(iex).toMatchObject({ doubted: [at(0)], agreed: [at(1), at(2)] });
  });

  it("asks the next provider for everything while symbols are open too: a part cannot judge", async () => {
    const { outcome, asked } = await run(
      {
        alpaca: (request) => answered(request, SYMBOLS.slice(0, 6), "unavailable", { rows: [] }),
        polygon: full,
      },
      { job },
    );
    expect(asked[1]).toMatchObject({ symbols: SYMBOLS, startMs: at(0), endMs: at(3) });
    expect(outcome).toMatchObject({ uncovered: 0, failures: [{ kind: "unavailable" }] });
    expect(doubts(outcome).map(({ doubted }) => doubted.length)).toEqual([3, 0]);
  });

  it("stays doubted when the next provider fails, and more so when it covers other minutes", async () => {
    const failing: Script = (request) => answered(request, [], "timeout");
    const { outcome } = await run({ alpaca: empty, polygon: failing }, { job });
    expect(doubts(outcome)).toMatchObject([{ provider: "alpaca", doubted: [at(0), at(1), at(2)] }]);
    const partial: Script = (request) =>
      answered(request, request.symbols, null, {
        covered: [{ symbols: request.symbols, startMs: at(0), endMs: at(1) }],
        rows: SYMBOLS.map((symbol) => barOf(symbol, at(0))),
      });
    const { asked } = await run({ alpaca: empty, polygon: partial, finnhub: full }, { job });
    expect(asked[2]).toMatchObject({ startMs: at(1), endMs: at(3) });
  });

  it("of one symbol that is malformed at the provider does not keep the others from being judged", async () => {
    const withoutA: Script = (request) =>
      answered(request, SYMBOLS.slice(1), "bad_request", {
        rows: SYMBOLS.slice(1).flatMap((symbol) =>
          minutesOf(request).map((ts) => barOf(symbol, ts)),
        ),
      });
    const { outcome, asked } = await run({ alpaca: withoutA, polygon: full }, { job });
    // With witnesses: one symbol alone could not judge the second answer.
    expect(asked[1]?.symbols).toEqual(["A", "B", "C", "D", "E", "F"]);
    expect(doubts(outcome).map(({ doubted }) => doubted)).toEqual([[], []]);
  });

  it("of open symbols that could judge in one half hour and not in the next is judged with witnesses in both", async () => {
    // Polygon has no names for A to D: they are what is open, and trade less in the second half hour.
    const halves = [at(0), at(0) + RATE_SPAN_MS].map((fromMs, half) => ({
      fromMs,
      rates: SYMBOLS.map((_, index) => (index < 4 && half === 1 ? 0.7 : 1)),
    }));
    const named: Script = (request) => {
      const own = request.symbols.filter((symbol) => symbol > "D");
      return answered(request, own, null, {
        rows: own.flatMap((symbol) => minutesOf(request).map((ts) => barOf(symbol, ts))),
      });
    };
    const endMs = at(0) + RATE_SPAN_MS + 3 * MINUTE_MS;
    const { outcome } = await run(
      { alpaca: named, polygon: empty },
      { job: { ...job, rates: halves, end_ms: endMs } },
    );
    const [, second] = outcome.answers;
    expect(second?.doubted).toHaveLength((endMs - at(0)) / MINUTE_MS);
  });

  it("is of nobody when few are expected to trade, or nothing is known of them", async () => {
    for (const rates of [[], [{ fromMs: OPEN_MS, rates: SYMBOLS.map(() => 0.3) }]]) {
      const { outcome, asked } = await run(
        { alpaca: empty, polygon: full },
        { job: { ...job, rates } },
      );
      expect(asked).toHaveLength(1);
      expect(outcome.answers).toMatchObject([{ doubted: [], agreed: [] }]);
    }
  });
});

describe("a doubt is alone", () => {
  const OPEN = { state: "open", h: 0.3 } as const;
  const refusing: Script = (request) => answered(request, [], "not_entitled");
  const failing: Script = (request) => answered(request, [], "timeout");
  it.each<[string, Parameters<typeof run>, boolean]>([
    ["when the provider is the only one", [{ alpaca: empty }, { job }], true],
    [
      "when a person holds the other back",
      [
        { alpaca: empty, polygon: full },
        { job, admissions: { polygon: { state: "isolated", h: 0.9 } } },
      ],
      true,
    ],
    [
      "not when the breaker of the other is open: it can be asked later",
      [
        { alpaca: empty, polygon: full },
        { job, admissions: { polygon: OPEN } },
      ],
      false,
    ],
    [
      "not when the breakers of both are open, and the better of them was asked",
      [
        { alpaca: empty, polygon: full },
        { job, admissions: { polygon: OPEN, alpaca: { ...OPEN, h: 0.4 } } },
      ],
      false,
    ],
    [
      "when the other does not serve this key",
      [{ alpaca: empty, polygon: refusing }, { job }],
      true,
    ],
    [
      "not when the other was asked and failed",
      [{ alpaca: empty, polygon: failing }, { job }],
      false,
    ],
    ["not when the other said the same", [{ alpaca: empty, polygon: empty }, { job }], false],
  ])("%s", async (_name, args, alone) => {
    const { outcome } = await run(...args);
    expect(outcome.answers[0]?.alone).toBe(alone);
  });
});

describe("minutes that another provider gave", () => {
  const owners = [{ startMs: at(0), endMs: at(2), provider: "polygon" as const }];

  it("are asked of that one while its breaker is closed, the rest by the policy", async () => {
    const { outcome, asked } = await run(
      { alpaca: full, polygon: full },
      { job: { ...job, owners } },
    );
    expect(asked.map(({ startMs, endMs }) => [startMs, endMs])).toEqual([
      [at(0), at(2)],
      [at(2), at(3)],
    ]);
    expect(outcome.selected).toEqual(["polygon", "alpaca"]);
  });

  it("are asked of the first of the policy when their giver is open, and in the settle pass", async () => {
    const open = { polygon: { state: "open", h: 0.3 } } as const;
    const away = await run(
      { alpaca: full, polygon: full },
      { job: { ...job, owners }, admissions: open },
    );
    const settling = await run(
      { alpaca: full, polygon: full },
      { job: { ...job, owners, settle: true } },
    );
    for (const { outcome } of [away, settling]) expect(outcome.selected).toEqual(["alpaca"]);
  });

  it("are left to the next provider when their giver fails", async () => {
    const failing: Script = (request) => answered(request, [], "unavailable");
    const { outcome } = await run({ alpaca: full, polygon: failing }, { job: { ...job, owners } });
    expect(outcome.selected).toEqual(["polygon", "alpaca", "alpaca"]);
    expect(outcome.uncovered).toBe(0);
  });
});
