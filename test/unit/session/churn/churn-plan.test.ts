import { describe, expect, it } from "vitest";
import { planChurn } from "../../../../dev/session/churn/churn-plan.ts";
import { changedWant, isHeavy, wantOf } from "../../../../dev/session/churn/wants.ts";
import { MINUTE_MS, SECOND_MS } from "../../../../src/domain/time.ts";

const START_MS = Date.UTC(2026, 2, 20, 13, 30);
const SESSION = {
  startMs: START_MS,
  endMs: START_MS + 390 * MINUTE_MS,
  restartsAtMs: [START_MS + 130 * MINUTE_MS, START_MS + 260 * MINUTE_MS],
};
const planOf = (seed: number, index: number) =>
  planChurn({ seed, index, isHeavy: isHeavy(index), mayChange: index > 0 }, SESSION);
const plans = Array.from({ length: 200 }, (_, index) => planOf(7, index));

/** How long a client is away, each time, minutes. */
function absences(plan: ReturnType<typeof planOf>): number[] {
  const at = (kind: string) => plan.filter((event) => event.kind === kind).map(({ atMs }) => atMs);
  const comes = at("come");
  return at("leave").map((leaveMs, index) => ((comes[index] ?? Infinity) - leaveMs) / MINUTE_MS);
}

describe("the plan of a churn", () => {
  it("is the same for the same seed, and another for another", () => {
    expect(planOf(7, 3)).toEqual(planOf(7, 3));
    expect(planOf(7, 3)).not.toEqual(planOf(8, 3));
    expect(planOf(7, 3)).not.toEqual(planOf(7, 4));
  });

  it("lets every client leave and come back in turn, within the session, and ends with all present", () => {
    for (const plan of plans) {
      const moves = plan.filter(({ kind }) => kind !== "change");
      expect(moves.map(({ kind }) => kind)).toEqual(
        moves.map((_, at) => (at % 2 === 0 ? "leave" : "come")),
      );
      const times = plan.map(({ atMs }) => atMs);
      expect(times).toEqual(times.toSorted((a, b) => a - b));
      expect(times.every((ms) => ms > SESSION.startMs && ms <= SESSION.endMs)).toBe(true);
      expect(moves.length % 2).toBe(0);
    }
  });

  it("keeps most away for seconds to minutes, a few for longer, some over each restart", () => {
    const all = plans.flatMap(absences);
    const share = (fits: (minutes: number) => boolean) => all.filter(fits).length / all.length;
    expect(Math.min(...all)).toBeLessThan((30 * SECOND_MS) / MINUTE_MS);
    expect(share((minutes) => minutes <= 10)).toBeGreaterThan(0.6);
    expect(share((minutes) => minutes > 40)).toBeGreaterThan(0.02);
    expect(share((minutes) => minutes > 40)).toBeLessThan(0.2);
    for (const restartMs of SESSION.restartsAtMs) {
      const isAway = (plan: ReturnType<typeof planOf>) =>
        plan.findLast(({ kind, atMs }) => kind !== "change" && atMs <= restartMs)?.kind === "leave";
      expect(plans.filter(isAway).length).toBeGreaterThan(10);
    }
  });

  it("cuts about half of the sockets without a close frame", () => {
    const hows = plans.flat().flatMap((event) => (event.kind === "leave" ? [event.how] : []));
    const cut = hows.filter((how) => how === "cut").length / hows.length;
    expect(cut).toBeGreaterThan(0.4);
    expect(cut).toBeLessThan(0.6);
  });
});

describe("what the clients of a churn want", () => {
  const universe = Array.from({ length: 300 }, (_, at) => `S${at}`);

  it("is everything, many symbols, few, or few with quotes; many share their list", () => {
    const wants = Array.from({ length: 100 }, (_, index) => wantOf(7, index, universe));
    const sizes = wants.map(({ bars }) => (bars === "*" ? Infinity : bars.length));
    expect(sizes.filter((size) => size === Infinity)).toHaveLength(4);
    expect(sizes.filter((size) => size >= 15 && size < Infinity)).toHaveLength(16);
    expect(sizes.filter((size) => size >= 1 && size <= 8)).toHaveLength(80);
    expect(wants.filter(({ quotes }) => quotes.length > 0)).toHaveLength(20);
    expect(new Set(wants.map((want) => JSON.stringify(want))).size).toBeLessThan(75);
  });

  it("changes by as many symbols as it gives up, none of which it had", () => {
    const want = wantOf(7, 1, universe);
    const { bars, quotes } = changedWant(want, universe, 0.3);
    expect(quotes).toEqual(want.quotes);
    expect(bars).toHaveLength(want.bars.length);
    expect(new Set(bars).size).toBe(bars.length);
    const kept = want.bars === "*" ? [] : want.bars.filter((symbol) => bars.includes(symbol));
    expect(kept.length).toBe(want.bars.length - Math.max(1, Math.round(want.bars.length / 4)));
  });
});
