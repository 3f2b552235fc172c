import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { beliefsKeptFrom } from "../../../src/domain/belief-horizon.ts";
import { createCalendar } from "../../../src/domain/calendar.ts";
import { DAY_MS, MINUTE_MS } from "../../../src/domain/time.ts";

const calendar = createCalendar();
/** Noon of Friday 2026-03-20 in New York. */
const NOW_MS = Date.UTC(2026, 2, 20, 16);
const instants = fc.integer({ min: Date.UTC(2025, 0, 1), max: Date.UTC(2027, 0, 1) });

describe("how far back beliefs are kept", () => {
  it("is five sessions at least", () => {
    fc.assert(
      fc.property(instants, (nowMs) => {
        let session = calendar.previousSession(nowMs);
        for (let back = 1; back < 5; back += 1)
          session = calendar.previousSession(session.openMs - 1);
        expect(beliefsKeptFrom(calendar, nowMs, nowMs)).toBeLessThanOrEqual(session.openMs);
      }),
    );
  });

  it("never goes back, and never divides the regular minutes of a session", () => {
    fc.assert(
      fc.property(fc.tuple(instants, instants, instants, instants), ([a, b, c, d]) => {
        const [now1, now2] = [Math.min(a, b), Math.max(a, b)];
        const [mark1, mark2] = [Math.min(c, d), Math.max(c, d)];
        const first = beliefsKeptFrom(calendar, now1, mark1);
        const second = beliefsKeptFrom(calendar, now2, mark2);
        expect(first).toBeLessThanOrEqual(second);
        const session = calendar.sessionContaining(first);
        expect(session !== undefined && first > session.openMs).toBe(false);
      }),
    );
  });

  it("reaches back to the session in which the watermark stands", () => {
    const { openMs } = calendar.previousSession(NOW_MS - 30 * DAY_MS);
    expect(beliefsKeptFrom(calendar, NOW_MS, openMs + 7 * MINUTE_MS)).toBe(openMs);
    expect(beliefsKeptFrom(calendar, NOW_MS, NOW_MS)).toBeGreaterThan(NOW_MS - 14 * DAY_MS);
    expect(beliefsKeptFrom(calendar, NOW_MS, null)).toBe(beliefsKeptFrom(calendar, NOW_MS, NOW_MS));
  });
});
