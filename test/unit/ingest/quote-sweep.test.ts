import { describe, expect, it } from "vitest";
import type { ProviderId } from "../../../src/domain/provider-id.ts";
import type { Quote } from "../../../src/domain/quote.ts";
import { sweepQuotes } from "../../../src/ingest/quote-sweep.ts";
import type { ProviderCall, QuotesAnswer } from "../../../src/providers/provider.ts";
import { ProviderError } from "../../../src/providers/provider-error.ts";
import type { Admission, CallsReport } from "../../../src/routing/admission.ts";
import { OPEN_MS } from "../../support/flushes.ts";
import { quoteOf } from "../../support/quotes.ts";
import { CLOSED } from "../../support/scripted-job.ts";

const NOW = OPEN_MS + 60_000;
const SYMBOLS = ["AAPL", "KO", "MSFT"];

type Script = (symbols: readonly string[]) => Partial<QuotesAnswer> & { quotes: Quote[] };

function quote(symbol: string, change: Partial<Quote> = {}): Quote {
  const { provider: _provider, askedAt: _askedAt, ...rest } = quoteOf({ symbol, ts: NOW - 2_000 });
  return { ...rest, ...change };
}

function call(provider: ProviderId, code: ProviderCall["code"] = "ok"): ProviderCall {
  return { provider, endpoint: "quotes", code, durationMs: 5 };
}

/** A sweep over scripted providers: what each was asked, and what its breaker was told. */
async function sweep(
  scripts: Partial<Record<"polygon" | "iex", Script>>,
  admissions: Partial<Record<ProviderId, Admission>> = {},
) {
  const asked: [ProviderId, readonly string[]][] = [];
  const lanes: string[] = [];
  const reports = new Map<ProviderId, CallsReport>();
  const ids = (["polygon", "iex"] as const).filter((id) => scripts[id] !== undefined);
  const result = await sweepQuotes(SYMBOLS, {
    providers: ids.map((id) => ({
      id,
      capabilities: ["quotes_l1"],
      fetchQuotes: async ({ symbols }, deps) => {
        asked.push([id, symbols]);
        await deps.spend();
        const answer = scripts[id]?.(symbols) ?? { quotes: [] };
        const covered = answer.quotes.map(({ symbol }) => symbol);
        return { covered, calls: [call(id)], failure: null, ...answer };
      },
    })),
    breaker: (id) => ({
      admission: async () => admissions[id] ?? CLOSED,
      takeProbe: async () => true,
      takeCredits: async (wanted, lane) => {
        lanes.push(lane);
        return { granted: wanted, waitMs: 0 };
      },
      correctCredits: async () => {},
      report: async (capability, report) => {
        expect(capability).toBe("quotes_l1");
        reports.set(id, report);
      },
      recordDecision: async () => {},
    }),
    get: () => Promise.reject(new Error("no network")),
    market: { kind: "market", stepped: true, now: () => NOW },
    wall: { kind: "wall", now: () => 1 },
    timeoutMs: 1_000,
  });
  return { ...result, asked, lanes, reports };
}

const all: Script = (symbols) => ({ quotes: symbols.map((symbol) => quote(symbol)) });

describe("a sweep for quotes", () => {
  it("asks the first provider for all symbols on the live lane, and nobody else", async () => {
    const { quotes, outcome, asked, lanes } = await sweep({ polygon: all, iex: all });
    expect(asked).toEqual([["polygon", SYMBOLS]]);
    expect(lanes).toEqual(["live"]);
    expect(quotes.map(({ symbol, provider, askedAt }) => [symbol, provider, askedAt])).toEqual(
      SYMBOLS.map((symbol) => [symbol, "polygon", NOW]),
    );
    expect(outcome).toMatchObject({ selected: ["polygon"], failures: [], refused: {}, done: true });
  });

  it("asks the next provider for what the first left out or could not be believed of", async () => {
    const { quotes, outcome, asked } = await sweep({
      polygon: () => ({ quotes: [quote("AAPL"), quote("KO", { bid: 9_999, last: null })] }),
      iex: all,
    });
    expect(asked[1]).toEqual(["iex", ["KO", "MSFT"]]);
    expect(quotes.map(({ symbol, provider }) => `${symbol} ${provider}`)).toEqual([
      "AAPL polygon",
      "KO iex",
      "MSFT iex",
    ]);
    expect(outcome.refused).toEqual({ crossed_quote: 1 });
  });

  it("takes a symbol that has no quote as answered", async () => {
    const { asked } = await sweep({
      polygon: (symbols) => ({ quotes: [quote("AAPL")], covered: symbols }),
      iex: all,
    });
    expect(asked).toHaveLength(1);
  });

  it("survives a provider that fails, tells its breaker, and is done all the same", async () => {
    const failure = new ProviderError("unavailable", "502");
    const { quotes, outcome, reports, decision } = await sweep({
      polygon: () => ({ quotes: [], calls: [call("polygon", "unavailable")], failure }),
      iex: all,
    });
    expect(quotes).toHaveLength(3);
    expect(outcome.failures).toEqual([
      { provider: "polygon", kind: "unavailable", message: "502" },
    ]);
    expect(outcome.done).toBe(true);
    expect(reports.get("polygon")?.outcomes).toMatchObject([{ ok: false, asked: 3, answered: 0 }]);
    expect(reports.get("iex")?.outcomes).toMatchObject([{ ok: true, asked: 3, answered: 3 }]);
    expect(decision.candidates.map(({ verdict }) => verdict)).toEqual(["called", "called"]);
  });

  it("asks no provider for a symbol that it calls malformed", async () => {
    const polygon = { ...CLOSED, badSymbols: ["KO"] };
    const { asked } = await sweep({ polygon: all, iex: all }, { polygon });
    expect(asked).toEqual([
      ["polygon", ["AAPL", "MSFT"]],
      ["iex", ["KO"]],
    ]);
  });

  it("counts a quote that was not asked for against the call that brought it", async () => {
    const { quotes, outcome, reports } = await sweep({
      polygon: (symbols) => ({ quotes: [...symbols, "ZZZ"].map((symbol) => quote(symbol)) }),
    });
    expect(quotes).toHaveLength(3);
    expect(outcome.refused).toEqual({ foreign_symbol: 1 });
    expect(reports.get("polygon")?.outcomes).toMatchObject([{ ok: false }]);
  });
});
