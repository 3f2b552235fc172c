import { describe, expect, it } from "vitest";
import {
  CLOSING_WINDOW_MS,
  createCalendar,
  type TradingSession,
} from "../../../src/domain/calendar.ts";
import { fetchWindow, planPoll, planSettle } from "../../../src/domain/poll-plan.ts";

const MINUTE_MS = 60_000;
const MAX_FETCH_MINUTES = 120;
const SETTLE_DELAY_MS = 90_000;
const CALENDAR = createCalendar();

function sessionOf(date: string): TradingSession {
  const session = CALENDAR.session(date);
  if (session === undefined) throw new Error(`${date} is closed`);
  return session;
}

const SETTLE = {
  calendar: CALENDAR,
  sessions: ["regular"],
  maxJobMinutes: MAX_FETCH_MINUTES,
  planDelayMs: 0,
} as const;

function fetchesAt(
  nowMs: number,
  plan: { planDelayMs: number; polled: boolean } = { planDelayMs: 0, polled: true },
) {
  const poll = planPoll({
    ...SETTLE,
    ...plan,
    nowMs,
    pollOffsetMs: 3_000,
    overlapMinutes: { short: 3, long: 21 },
  });
  return poll === null ? [] : [poll];
}

/** What the cron ticks of a whole New York day plan, ten hours around noon. */
function pollsOf(session: TradingSession) {
  const polls = [];
  for (let tick = session.preOpenMs; tick < session.postCloseMs; tick += MINUTE_MS)
    polls.push(...fetchesAt(tick));
  return polls;
}

// A full day, the early close after Thanksgiving, and the sessions around both clock changes.
describe.each([
  ["2026-03-20"],
  ["2026-11-27"],
  ["2026-03-06"],
  ["2026-03-09"],
  ["2026-10-30"],
  ["2026-11-02"],
])("the polls of %s", (date) => {
  const session = sessionOf(date);
  const polls = pollsOf(session);

  it("ask for every regular minute within three ticks of its end, the last time after it has settled", () => {
    for (let ts = session.openMs; ts < session.closeMs; ts += MINUTE_MS) {
      const endMs = ts + MINUTE_MS;
      const asking = polls.filter(
        (poll) => poll.startMs <= ts && ts < poll.endMs && poll.dueMs < endMs + 3 * MINUTE_MS,
      );
      expect(asking[0]?.dueMs).toBe(endMs + 3_000);
      expect(asking.at(-1)?.dueMs ?? 0).toBeGreaterThanOrEqual(endMs + SETTLE_DELAY_MS);
    }
  });

  it("ask for the closing window and for nothing else outside of the session", () => {
    for (let ts = session.closeMs; ts < session.closeMs + CLOSING_WINDOW_MS; ts += MINUTE_MS) {
      expect(polls.some((poll) => poll.startMs <= ts && ts < poll.endMs)).toBe(true);
    }
    expect(Math.min(...polls.map((poll) => poll.startMs))).toBe(session.openMs);
    expect(Math.max(...polls.map((poll) => poll.endMs))).toBe(session.closeMs + CLOSING_WINDOW_MS);
  });

  it("are one a minute, named by the minute, and the same when a tick comes twice or late", () => {
    expect(polls.length).toBe((session.closeMs + CLOSING_WINDOW_MS - session.openMs) / MINUTE_MS);
    expect(new Set(polls.map((poll) => poll.duty)).size).toBe(polls.length);
    const tick = session.openMs + 30 * MINUTE_MS;
    expect(fetchesAt(tick + 17_123)).toEqual(fetchesAt(tick));
  });

  it("look back 21 minutes every fifth minute and never ask for a minute that has not ended", () => {
    const midday = polls.filter((poll) => poll.startMs > session.openMs);
    const lengths = midday.map((poll) => (poll.endMs - poll.startMs) / MINUTE_MS);
    expect(new Set(lengths)).toEqual(new Set([3, 21]));
    expect(
      midday.every((poll, i) => (lengths[i] === 21) === (poll.endMs % (5 * MINUTE_MS) === 0)),
    ).toBe(true);
    expect(polls.every((poll) => poll.endMs <= poll.dueMs)).toBe(true);
  });
});

describe.each([["2026-03-20"], ["2026-11-27"], ["2026-03-06"], ["2026-10-30"]])(
  "the settle pass of %s",
  (date) => {
    const session = sessionOf(date);

    it.each([[["regular"] as const], [["pre", "regular", "post"] as const]])(
      "covers what is fetched of it exactly, twice, in jobs of 120 minutes at most (%s)",
      (sessions) => {
        const fetches = planSettle(session, { ...SETTLE, sessions });
        const window = fetchWindow(session, sessions);
        expect(new Set(fetches.map((fetch) => fetch.duty)).size).toBe(fetches.length);
        for (const pass of ["close", "morning"]) {
          const parts = fetches.filter((fetch) => fetch.duty.startsWith(`settle:${pass}:`));
          expect(parts[0]?.startMs).toBe(window.startMs);
          // What has not traded by the pass after the close is left to the morning.
          const passEndMs = pass === "close" ? session.closeMs + 20 * MINUTE_MS : window.endMs;
          expect(parts.at(-1)?.endMs).toBe(Math.min(window.endMs, passEndMs));
          parts.slice(1).forEach((part, i) => expect(part.startMs).toBe(parts[i]?.endMs));
          expect(
            parts.every((part) => part.endMs - part.startMs <= MAX_FETCH_MINUTES * MINUTE_MS),
          ).toBe(true);
          expect(parts.every((part) => part.settle)).toBe(true);
        }
      },
    );

    it("is due 20 minutes after the close, and at 07:00 in New York before the next open", () => {
      const dues = new Set(planSettle(session, SETTLE).map((fetch) => fetch.dueMs));
      const [close, morning] = [...dues];
      expect(close).toBe(session.closeMs + 20 * MINUTE_MS);
      const newYork = new Intl.DateTimeFormat("en-GB", {
        timeZone: "America/New_York",
        timeStyle: "short",
      });
      expect(newYork.format(morning)).toBe("07:00");
      expect(morning).toBeLessThan(CALENDAR.nextSession(session.closeMs).openMs);
    });
  },
);

describe("a plan that serves minutes late", () => {
  const DELAY_MS = 16 * MINUTE_MS;
  const session = sessionOf("2026-03-20");

  it("is asked for each minute when it becomes available, not before", () => {
    for (let tick = session.preOpenMs; tick < session.postCloseMs; tick += MINUTE_MS) {
      const late = fetchesAt(tick, { planDelayMs: DELAY_MS, polled: true });
      const prompt = fetchesAt(tick - DELAY_MS);
      expect(late).toEqual(prompt.map((fetch) => ({ ...fetch, dueMs: fetch.dueMs + DELAY_MS })));
    }
  });

  it("is not asked for at all where no plan serves a minute of today", () => {
    const plan = { planDelayMs: DELAY_MS, polled: false };
    expect(fetchesAt(session.openMs + 60 * MINUTE_MS, plan)).toEqual([]);
  });

  it("is settled as late as it is", () => {
    const dueMs = (planDelayMs: number) =>
      planSettle(session, { ...SETTLE, planDelayMs }).map((fetch) => fetch.dueMs);
    expect(dueMs(DELAY_MS)).toEqual(dueMs(0).map((atMs) => atMs + DELAY_MS));
  });
});
