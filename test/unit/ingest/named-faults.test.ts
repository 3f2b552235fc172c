import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Fault, faultSchema } from "../../../dev/sandbox/fault.ts";
import type { ProviderCall } from "../../../src/providers/provider.ts";
import { MINUTE_MS } from "../../support/naive-group.ts";
import { PolledGroup } from "../../support/polled-group.ts";
import { OPEN_MS, type RunningSandbox, startTestSandbox } from "../../support/running-sandbox.ts";

/** Past the opening burst, before the sandbox's own time. */
const START_MS = OPEN_MS + 60 * MINUTE_MS;
/** As many failures as open a breaker, at one call a poll. */
const SICK_POLLS = 5;
const HEALTHY_POLLS = 4;

interface Expected {
  /** Kind of the calls' errors; `ok` when only the content is bad. */
  readonly code: ProviderCall["code"];
  /** Whether the breaker of the sick provider leaves `closed`. */
  readonly leaves: boolean;
  /** Reason under which rows are refused. */
  readonly refused?: string;
  /** Whether too few bars came to believe what is absent. */
  readonly implausible?: boolean;
  /** Half a market is plausible: some absences are believed until the overlap looks again. */
  readonly looksWhole?: boolean;
  /** What the calls show of the key's rights. */
  readonly entitlement?: "unauthorized" | "not_entitled";
  readonly timeoutMs?: number;
}

const DOWN: Expected = { code: "unavailable", leaves: true };
const LIMITED: Expected = { code: "rate_limited", leaves: true };
const MALFORMED: Expected = { code: "malformed", leaves: true };
const SILENT: Expected = { code: "timeout", leaves: true, timeoutMs: 400 };
const EMPTY: Expected = { code: "ok", leaves: false, implausible: true };

/** What each fault comes to at a provider that is asked first, for many symbols a call and for one. */
const FAULTS: Readonly<Record<Fault, Readonly<Record<"alpaca" | "polygon", Expected>>>> = {
  down: { alpaca: DOWN, polygon: DOWN },
  server_error: { alpaca: DOWN, polygon: DOWN },
  html_502: { alpaca: DOWN, polygon: DOWN },
  rate_limited: { alpaca: LIMITED, polygon: LIMITED },
  rate_limited_bare: { alpaca: LIMITED, polygon: LIMITED },
  unauthorized: {
    alpaca: { code: "unauthorized", leaves: false, entitlement: "unauthorized" },
    polygon: { code: "unauthorized", leaves: false, entitlement: "unauthorized" },
  },
  not_entitled: {
    alpaca: { code: "not_entitled", leaves: false, entitlement: "not_entitled" },
    polygon: { code: "not_entitled", leaves: false, entitlement: "not_entitled" },
  },
  not_json: { alpaca: MALFORMED, polygon: MALFORMED },
  hang: { alpaca: SILENT, polygon: SILENT },
  mute: { alpaca: SILENT, polygon: SILENT },
  bad_schema: { alpaca: MALFORMED, polygon: MALFORMED },
  empty_200: { alpaca: EMPTY, polygon: EMPTY },
  truncated_page: { alpaca: MALFORMED, polygon: MALFORMED },
  // Half of the symbols; polygon says how many rows there should be.
  short_page: { alpaca: { code: "ok", leaves: false, looksWhole: true }, polygon: MALFORMED },
  repeated_cursor: { alpaca: MALFORMED, polygon: MALFORMED },
  foreign_dates: {
    alpaca: { code: "ok", leaves: true, refused: "out_of_window" },
    polygon: { code: "ok", leaves: true, refused: "out_of_window" },
  },
  foreign_symbols: {
    alpaca: { code: "ok", leaves: true, refused: "foreign_symbol" },
    polygon: MALFORMED,
  },
  duplicate_rows: {
    alpaca: { code: "ok", leaves: false, refused: "duplicate" },
    polygon: { code: "ok", leaves: false, refused: "duplicate" },
  },
  zero_filled: {
    alpaca: { ...EMPTY, refused: "price_not_positive" },
    polygon: { ...EMPTY, refused: "price_not_positive" },
  },
  // Later than the latency that health has a score for, and an answer all the same.
  latency: { alpaca: { code: "ok", leaves: false }, polygon: { code: "ok", leaves: false } },
};
const SLOW_MS = 510;
const TIMEOUT_MS = 4_000;
const TEST_TIMEOUT_MS = 30_000;

let sandbox: RunningSandbox;
beforeEach(async () => {
  sandbox = await startTestSandbox();
});
afterEach(() => sandbox.stop());

/** Five symbols that trade in every minute of the test, and one that seldom does. */
function groupOf(primary: "alpaca" | "polygon", timeoutMs: number): PolledGroup {
  const minutes = Array.from({ length: 10 }, (_, index) => START_MS + index * MINUTE_MS);
  const traded = (symbol: string) =>
    minutes.filter((ts) => sandbox.market.bar(symbol, ts) !== undefined).length;
  const symbols = sandbox.market.symbols.map((listed) => listed.symbol);
  const busy = symbols.filter((symbol) => traded(symbol) === minutes.length).slice(0, 5);
  const quiet = symbols.filter((symbol) => traded(symbol) <= 3).slice(0, 1);
  return new PolledGroup({
    sandbox,
    policy: primary === "alpaca" ? ["alpaca", "polygon"] : ["polygon", "alpaca"],
    symbols: [...busy, ...quiet],
    rates: [...busy.map(() => 1), ...quiet.map(() => 0.2)],
    startMs: START_MS,
    timeoutMs,
  });
}

describe("every fault that the sandbox knows by name", () => {
  it("stands in the table", () => {
    expect(Object.keys(FAULTS).toSorted()).toEqual(faultSchema.options.toSorted());
  });
});

const cases = (["alpaca", "polygon"] as const).flatMap((primary) =>
  faultSchema.options.map((fault) => [primary, fault, FAULTS[fault][primary]] as const),
);

describe("a provider that is asked first and sick of", () => {
  it.each(cases)(
    "%s: %s",
    async (primary, fault, expected) => {
      const group = groupOf(primary, expected.timeoutMs ?? TIMEOUT_MS);
      sandbox.setFault(primary, fault, fault === "latency" ? { delayMs: SLOW_MS } : {});
      for (let index = 0; index < SICK_POLLS; index += 1) {
        const outcome = await group.poll();
        // The job ends well: by the other provider, or by this one all the same.
        expect(outcome.uncovered).toBe(0);
      }
      const other = primary === "alpaca" ? "polygon" : "alpaca";
      expect(group.codesOf(primary)).toContain(expected.code);
      expect(group.codesOf(other).filter((code) => code !== "ok")).toEqual([]);
      expect(group.breakers.state(primary) !== "closed").toBe(expected.leaves);
      expect(group.breakers.state(other)).toBe("closed");
      expect(group.breakers.entitlement(primary) ?? "granted").toBe(
        expected.entitlement ?? "granted",
      );
      // What says nothing about health leaves the score where it was.
      if (expected.entitlement !== undefined) expect(group.breakers.h(primary)).toBeCloseTo(1, 9);
      holdCounters(group, primary, expected);
      if (expected.looksWhole !== true) expect(group.falseAbsences()).toEqual([]);
      expect(group.wrongRows()).toEqual([]);

      sandbox.setFault(primary, null);
      for (let index = 0; index < HEALTHY_POLLS; index += 1) await group.poll();
      expect(group.breakers.state(primary)).toBe("closed");
      const sickUntilMs = START_MS + SICK_POLLS * MINUTE_MS;
      await group.ask(START_MS, sickUntilMs);
      expect(group.incomplete(sickUntilMs)).toEqual([]);
      expect(group.wrongRows()).toEqual([]);
    },
    TEST_TIMEOUT_MS,
  );
});

/** The counter of what is wrong has moved, and no other. */
function holdCounters(group: PolledGroup, primary: "alpaca" | "polygon", expected: Expected): void {
  // Every kind is shown from the first call on, as 0.
  const errors = Object.entries(group.counter("provider_errors_total"))
    .filter(([, count]) => count !== 0)
    .map(([labels]) => labels);
  expect(errors.map((labels) => /provider="(\w+)".*code="(\w+)"/.exec(labels)?.slice(1))).toEqual(
    expected.code === "ok" ? [] : [[primary, expected.code]],
  );
  expect(Object.keys(group.counter("rows_refused_total"))).toEqual(
    expected.refused === undefined ? [] : [`reason="${expected.refused}"`],
  );
  if (expected.looksWhole === true) return;
  expect(Object.keys(group.counter("implausible_answers_total"))).toEqual(
    expected.implausible === true ? [`provider="${primary}"`] : [],
  );
}

describe("a symbol that a provider calls malformed", () => {
  it("does not fail its batch nor count against health; the next provider is asked about it", async () => {
    const group = groupOf("alpaca", TIMEOUT_MS);
    const good = await group.poll();
    expect(good.selected).toEqual(["alpaca"]);
    // Alpaca refuses the whole call for it; Polygon says that it did not trade.
    const bad = group.withSymbol("QQ1");
    for (let index = 0; index < SICK_POLLS; index += 1) await bad.poll();
    const [outcome] = bad.outcomes;
    const calls = outcome?.calls.map(({ provider, code }) => `${provider} ${code}`) ?? [];
    expect(calls.slice(0, 2)).toEqual(["alpaca bad_request", "alpaca ok"]);
    // One symbol cannot judge an answer: busy ones are asked again beside it.
    expect(calls.length).toBeGreaterThan(3);
    expect(new Set(calls.slice(2))).toEqual(new Set(["polygon ok"]));
    expect(outcome?.answers[1]?.covered.flatMap(({ symbols }) => symbols)).toEqual(["QQ1"]);
    expect(outcome).toMatchObject({ uncovered: 0, selected: ["alpaca", "polygon"] });
    expect(outcome?.failures).toMatchObject([{ provider: "alpaca", kind: "bad_request" }]);
    expect(outcome?.answers[0]?.covered[0]?.symbols).toHaveLength(6);
    expect(bad.breakers.state("alpaca")).toBe("closed");
    expect(bad.breakers.h("alpaca")).toBeGreaterThan(0.7);
    expect(bad.wrongRows()).toEqual([]);
  });
});
