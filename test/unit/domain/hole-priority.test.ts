import { describe, expect, it } from "vitest";
import { createCalendar } from "../../../src/domain/calendar.ts";
import { holePriority } from "../../../src/domain/hole-priority.ts";
import { MINUTE_MS } from "../../../src/domain/time.ts";

const calendar = createCalendar();
const today = calendar.previousSession(Date.UTC(2026, 2, 19, 22));
const back = (sessions: number) => {
  let session = today;
  for (let i = 0; i < sessions; i += 1) session = calendar.previousSession(session.openMs - 1);
  return session;
};

describe("how soon a hole is wanted", () => {
  it("is the tier's number today, and one later for each session before", () => {
    const nowMs = today.openMs + 90 * MINUTE_MS;
    expect(holePriority("T0", today.openMs, nowMs, calendar)).toBe(0);
    expect(holePriority("T2", today.openMs, nowMs, calendar)).toBe(2);
    const priorities = Array.from({ length: 12 }, (_, sessions) =>
      holePriority("T1", back(sessions).openMs, nowMs, calendar),
    );
    expect(priorities).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 9]);
  });

  it("changes with the open, not with midnight", () => {
    const next = calendar.nextSession(today.closeMs);
    const [before, after] = [next.openMs - 1, next.openMs].map((nowMs) =>
      holePriority("T0", today.closeMs - MINUTE_MS, nowMs, calendar),
    );
    expect([before, after]).toEqual([0, 1]);
  });
});
