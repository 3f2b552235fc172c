import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type QueuedHole, settleHole } from "../../../src/backfill/settle-hole.ts";
import type { OpenCause } from "../../../src/contracts/backfill.ts";
import { MAX_HOLE_ERROR, MAX_HOLE_HISTORY } from "../../../src/contracts/backfill.ts";
import { intersectRanges, subtractRanges, unionRanges } from "../../../src/domain/range.ts";
import type { TimeRange } from "../../../src/domain/time.ts";
import { MINUTE_MS, SECOND_MS } from "../../../src/domain/time.ts";

const NOW_MS = 1_000 * MINUTE_MS;
const policy = { attempts: 5, backoffMs: 15 * SECOND_MS, maxBackoffMs: 900 * SECOND_MS };
const world = { policy, nowMs: NOW_MS, random: () => 0.5, isFetchable: () => true };
const minutes = (start: number, end: number): TimeRange => ({
  startMs: start * MINUTE_MS,
  endMs: end * MINUTE_MS,
});

function hole(change: Partial<QueuedHole> = {}): QueuedHole {
  return {
    id: 1,
    group: 3,
    symbol: "AAPL",
    interval: "1m",
    ...minutes(0, 10),
    priority: 0,
    origin: "gap",
    enqueuedMs: 5,
    attempts: 0,
    waits: 0,
    dueMs: 0,
    history: [],
    ...change,
  };
}

const attempt: OpenCause = { kind: "attempt", reason: "malformed", error: "not JSON" };
const wait = (wide: boolean): OpenCause => ({
  kind: "wait",
  reason: "provider_away",
  wide,
  error: "502",
});

describe("a hole after a job", () => {
  it("is filled when nothing of it is open, and lives on outside of the job's window", () => {
    const run = { window: minutes(0, 10), open: null, cause: null };
    expect(settleHole(hole(), run, world)).toEqual({ kept: [], dead: null });
    const tried = hole({ attempts: 3, waits: 2, dueMs: 77, history: [] });
    const part = settleHole(tried, { ...run, window: minutes(4, 6) }, world);
    expect(part.kept).toEqual([
      hole({ ...minutes(0, 4), dueMs: NOW_MS }),
      hole({ ...minutes(6, 10), dueMs: NOW_MS }),
    ]);
  });

  it("counts an answer as an attempt, and waits longer each time", () => {
    const run = { window: minutes(0, 10), open: minutes(2, 5), cause: attempt };
    const delays = [1, 2, 3, 4].map((attempts) => {
      const [kept] = settleHole(hole({ attempts: attempts - 1 }), run, world).kept;
      expect(kept).toMatchObject({ ...minutes(2, 5), attempts, waits: 0 });
      expect(kept?.history).toEqual([{ at_ms: NOW_MS, reason: "malformed", error: "not JSON" }]);
      return (kept?.dueMs ?? 0) - NOW_MS;
    });
    expect(delays).toEqual([15_000, 30_000, 60_000, 120_000]);
  });

  it("counts no attempt while nobody answers, however often", () => {
    let tried = hole({ attempts: 4 });
    for (let i = 0; i < 50; i += 1) {
      const run = { window: minutes(0, 10), open: minutes(0, 10), cause: wait(i % 2 === 0) };
      const { kept, dead } = settleHole(tried, run, world);
      expect(dead).toBeNull();
      tried = kept[0] ?? tried;
    }
    expect(tried).toMatchObject({ attempts: 4, waits: 25, history: [] });
    expect(tried.dueMs - NOW_MS).toBeLessThanOrEqual(5 * MINUTE_MS);
  });

  it("is not cut by a job of which nothing was answered", () => {
    for (const wide of [true, false]) {
      const run = { window: minutes(4, 6), open: minutes(4, 6), cause: wait(wide) };
      const { kept } = settleHole(hole({ attempts: 2 }), run, world);
      expect(kept).toMatchObject([{ ...minutes(0, 10), attempts: 2, waits: wide ? 0 : 1 }]);
    }
    const half = { window: minutes(4, 6), open: minutes(5, 6), cause: wait(false) };
    expect(settleHole(hole(), half, world).kept).toHaveLength(3);
  });

  it("dies of its last attempt with a bounded history; the rest of it lives on", () => {
    const history = Array.from({ length: 20 }, (_, at_ms) => ({
      at_ms,
      reason: "not_found" as const,
      error: "",
    }));
    const run = {
      window: minutes(0, 4),
      open: minutes(1, 4),
      cause: { ...attempt, error: "x".repeat(9_999) },
    };
    const { kept, dead } = settleHole(hole({ attempts: 4, history }), run, world);
    expect(kept).toEqual([hole({ ...minutes(4, 10), dueMs: NOW_MS })]);
    expect(dead?.reason).toBe("malformed");
    expect(dead?.hole).toMatchObject({ ...minutes(1, 4), attempts: 5 });
    expect(dead?.hole.history).toHaveLength(MAX_HOLE_HISTORY);
    expect(dead?.hole.history.at(-1)?.error).toHaveLength(MAX_HOLE_ERROR);
  });

  it("loses nothing: kept, dead and filled parts are the hole, each minute once", () => {
    const cause = fc.constantFrom<OpenCause | null>(attempt, wait(true), wait(false), null);
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 30 }), { minLength: 6, maxLength: 6 }),
        fc.integer({ min: 0, max: 6 }),
        cause,
        fc.boolean(),
        ([a = 0, b = 0, c = 0, d = 0, e = 0, f = 0], attempts, why, isOpen) => {
          const whole = minutes(Math.min(a, b), Math.max(a, b) + 1);
          const window = minutes(Math.min(c, d), Math.max(c, d) + 1);
          const [inside] = intersectRanges([whole], [window]);
          const wanted = minutes(Math.min(e, f), Math.max(e, f) + 1);
          const open =
            isOpen && inside !== undefined ? intersectRanges([inside], [wanted])[0] : undefined;
          const run = { window, open: open ?? null, cause: why };
          const { kept, dead } = settleHole(hole({ ...whole, attempts }), run, world);
          const left = [...kept, ...(dead === null ? [] : [dead.hole])].map(
            ({ startMs, endMs }) => ({ startMs, endMs }),
          );
          const filled = subtractRanges(inside === undefined ? [] : [inside], open ? [open] : []);
          expect(unionRanges(left, filled)).toEqual([whole]);
          const total = [...left, ...filled].reduce((sum, r) => sum + r.endMs - r.startMs, 0);
          expect(total).toBe(whole.endMs - whole.startMs);
          if (dead !== null) expect(why?.kind).toBe("attempt");
        },
      ),
    );
  });
});
