import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { countStates } from "../../../src/domain/manifest.ts";
import { MAX_FLUSH_ROWS } from "../../../src/contracts/flush.ts";
import type { Answer } from "../../../src/symbol-group/classify.ts";
import type { Digest, FlushDraft } from "../../../src/symbol-group/digest.ts";
import {
  answerOf,
  barOf,
  member,
  minuteKeys,
  MINUTE_MS,
  NaiveGroup,
  OPEN_MS,
  SETTLE_DELAY_MS,
} from "../../support/naive-group.ts";

const SYMBOLS = ["AAPL", "MSFT", "KO", "GONE"];
const MINUTES = 6;
// KO joined in the third minute; GONE is inactive: neither is expected before / at all.
const MEMBERS = [
  member(0, "AAPL"),
  member(1, "MSFT"),
  member(2, "KO", { sinceMs: OPEN_MS + 2 * MINUTE_MS }),
  member(3, "GONE", { active: false }),
];

interface Step {
  readonly answer: Answer | null;
  readonly nowMs: number;
}

const shape = fc.record({
  askedS: fc.integer({ min: 60, max: 900 }),
  from: fc.integer({ min: 0, max: MINUTES - 1 }),
  length: fc.integer({ min: 1, max: MINUTES }),
  symbols: fc.subarray(SYMBOLS, { minLength: 1 }),
  // 0 = no bar; else a version of the bar's values
  values: fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 24, maxLength: 24 }),
  complete: fc.boolean(),
});

/** Answers of one provider with distinct `askedAt`, about minutes that had begun when they were asked. */
const answers = fc
  .uniqueArray(shape, { minLength: 1, maxLength: 8, selector: ({ askedS }) => askedS })
  .map((shapes) =>
    shapes.map(({ askedS, from, length, symbols, values, complete }) => {
      const askedAt = OPEN_MS + askedS * 1_000;
      const startMs = OPEN_MS + from * MINUTE_MS;
      const ended = Math.floor(askedAt / MINUTE_MS) * MINUTE_MS;
      const endMs = Math.max(startMs, Math.min(startMs + length * MINUTE_MS, ended));
      const bars = symbols.flatMap((symbol, at) =>
        Array.from({ length: (endMs - startMs) / MINUTE_MS }, (_, i) => i)
          .filter((i) => (values[at * MINUTES + i] ?? 0) > 0)
          .map((i) =>
            barOf(symbol, startMs + i * MINUTE_MS, 100 + (values[at * MINUTES + i] ?? 0)),
          ),
      );
      return answerOf(askedAt, { bars, covered: complete ? [{ symbols, startMs, endMs }] : [] });
    }),
  );

/** Arrivals in any order, each some time after it was asked, failed polls between them. */
const arrivals = answers.chain((list) =>
  fc
    .tuple(
      fc.shuffledSubarray(list, { minLength: list.length, maxLength: list.length }),
      fc.array(fc.integer({ min: 0, max: 120_000 }), { minLength: 16, maxLength: 16 }),
      fc.array(fc.boolean(), { minLength: 16, maxLength: 16 }),
    )
    .map(([order, delays, failures]) => ({ list, steps: stepsOf(order, delays, failures) })),
);

function stepsOf(
  order: readonly Answer[],
  delays: readonly number[],
  failures: readonly boolean[],
): Step[] {
  let nowMs = OPEN_MS;
  return order.flatMap((answer, i) => {
    nowMs = Math.max(nowMs, answer.askedAt) + (delays[i] ?? 0);
    const arrival = [{ answer, nowMs }];
    return failures[i] === true ? [{ answer: null, nowMs }, ...arrival] : arrival;
  });
}

/** The state that the rules give, straight from all answers that have arrived. */
function stateOf(taken: readonly Answer[], symbol: string, ts: number, nowMs: number): string {
  if (taken.some(({ bars }) => bars.some((bar) => bar.symbol === symbol && bar.ts === ts)))
    return "bar";
  const settled = taken.some(
    ({ askedAt, covered }) =>
      askedAt >= ts + MINUTE_MS + SETTLE_DELAY_MS &&
      covered.some(
        (part) => part.symbols.includes(symbol) && part.startMs <= ts && ts < part.endMs,
      ),
  );
  if (settled) return "no_trade";
  return nowMs >= ts + 2 * MINUTE_MS + SETTLE_DELAY_MS ? "missing" : "pending";
}

function expectedSymbols(ts: number): string[] {
  return MEMBERS.filter(({ active, sinceMs }) => active && ts >= sinceMs).map(
    ({ symbol }) => symbol,
  );
}

function draftsOf(digests: readonly Digest[]): FlushDraft[] {
  return digests.flatMap(({ drafts }) => [...drafts]);
}

describe("a group that takes answers of one provider and feed in any order", () => {
  it("ends with the beliefs that the order of asking gives", () => {
    fc.assert(
      fc.property(arrivals, ({ list, steps }) => {
        const arrived = new NaiveGroup(MEMBERS);
        for (const { answer, nowMs } of steps) arrived.take(answer, nowMs);
        const sorted = new NaiveGroup(MEMBERS);
        const endMs = Math.max(...steps.map(({ nowMs }) => nowMs));
        for (const answer of list.toSorted((a, b) => a.askedAt - b.askedAt))
          sorted.take(answer, endMs);
        for (const symbol of SYMBOLS) {
          for (let i = 0; i < MINUTES; i += 1) {
            const ts = OPEN_MS + i * MINUTE_MS;
            expect(essence(arrived, symbol, ts)).toEqual(essence(sorted, symbol, ts));
          }
        }
      }),
      { numRuns: 300 },
    );
  });

  it("numbers the revisions of a bar 0, 1, 2 …, the first with its status, the later ones updated", () => {
    fc.assert(
      fc.property(arrivals, ({ steps }) => {
        const group = new NaiveGroup(MEMBERS);
        for (const { answer, nowMs } of steps) group.take(answer, nowMs);
        const known = new Map<string, number>();
        for (const row of draftsOf(group.digests).flatMap(({ rows }) => rows)) {
          const key = `${row[0]} ${row[1]}`;
          const revision = (known.get(key) ?? -1) + 1;
          known.set(key, revision);
          expect(row[9]).toBe(revision);
          expect(row[12] === "updated").toBe(revision > 0);
        }
      }),
      { numRuns: 300 },
    );
  });

  it("states minutes whose counts add up and are the true ones", () => {
    fc.assert(
      fc.property(arrivals, ({ steps }) => {
        const group = new NaiveGroup(MEMBERS);
        const taken: Answer[] = [];
        for (const { answer, nowMs } of steps) {
          if (answer !== null) taken.push(answer);
          const { drafts } = group.take(answer, nowMs);
          for (const [ts, states] of drafts.flatMap(({ man }) => man)) {
            const entry = countStates(ts, states.toUpperCase(), null);
            const kinds = expectedSymbols(ts).map((symbol) => stateOf(taken, symbol, ts, nowMs));
            const count = (kind: string) => kinds.filter((other) => other === kind).length;
            const counts = [count("bar"), count("no_trade"), count("missing"), count("pending")];
            if (kinds.length > 0) expect(entry).toEqual([ts, kinds.length, ...counts]);
          }
          for (const { rows } of drafts) expect(rows.length).toBeLessThanOrEqual(MAX_FLUSH_ROWS);
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe("watermark and holes of a group", () => {
  it("passes an incomplete minute only as an open hole, never goes back, and claims no more than the flushes so far", () => {
    fc.assert(
      fc.property(arrivals, ({ steps }) => {
        const group = new NaiveGroup(MEMBERS);
        const taken: Answer[] = [];
        for (const { answer, nowMs } of steps) {
          const before = group.watermarkMs;
          if (answer !== null) taken.push(answer);
          const { drafts, watermarkMs } = group.take(answer, nowMs);
          let naive = OPEN_MS;
          const isAccounted = (symbol: string, ts: number) =>
            ["bar", "no_trade", "missing"].includes(stateOf(taken, symbol, ts, nowMs));
          while (
            naive + MINUTE_MS <= nowMs &&
            expectedSymbols(naive).every((s) => isAccounted(s, naive))
          ) {
            naive += MINUTE_MS;
          }
          expect(watermarkMs).toBe(naive);
          expect(watermarkMs).toBeGreaterThanOrEqual(before);
          const claims = drafts.map((draft) => draft.watermarkMs);
          expect(claims.slice(0, -1).every((claim) => claim === before)).toBe(true);
          if (drafts.length > 0) expect(claims.at(-1)).toBe(watermarkMs);
          // What it passed and is not complete stands in a hole.
          const open = new Set(group.openHoles());
          const missing = missingKeys(taken, nowMs).filter(
            (key) => Number(key.slice(key.indexOf(" "))) < watermarkMs,
          );
          expect(missing.filter((key) => !open.has(key))).toEqual([]);
        }
      }),
      { numRuns: 300 },
    );
  });

  it("keeps open exactly what was opened and not filled: the minutes that are missing", () => {
    fc.assert(
      fc.property(arrivals, ({ steps }) => {
        const group = new NaiveGroup(MEMBERS);
        const taken: Answer[] = [];
        const open = new Set<string>();
        for (const { answer, nowMs } of steps) {
          if (answer !== null) taken.push(answer);
          const { drafts } = group.take(answer, nowMs);
          for (const [symbol, from, to, kind] of drafts.flatMap(({ gaps }) => gaps)) {
            for (const key of minuteKeys(symbol, from, to)) {
              expect(open.has(key)).toBe(kind === "filled");
              if (kind === "filled") open.delete(key);
              else open.add(key);
            }
          }
          expect(group.openHoles()).toEqual([...open].toSorted());
          expect(group.openHoles()).toEqual(missingKeys(taken, nowMs));
        }
      }),
      { numRuns: 300 },
    );
  });
});

function missingKeys(taken: readonly Answer[], nowMs: number): string[] {
  const keys: string[] = [];
  for (let ts = OPEN_MS; ts < nowMs; ts += MINUTE_MS) {
    for (const symbol of expectedSymbols(ts)) {
      if (stateOf(taken, symbol, ts, nowMs) === "missing") keys.push(`${symbol} ${ts}`);
    }
  }
  return keys.toSorted();
}

/** What of a belief must not depend on arrival: all but the number of revisions and when absence was seen. */
function essence(group: NaiveGroup, symbol: string, ts: number): unknown {
  const belief = group.belief(symbol, ts);
  if (belief.state !== "bar") return belief.state;
  return { source: belief.source, askedAt: belief.askedAt, fingerprint: belief.fingerprint };
}
