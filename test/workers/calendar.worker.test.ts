import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { exports } from "cloudflare:workers";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { setConfig } from "./support/configs.ts";
import { fullDayAfter } from "./support/fake-calendar.ts";
import {
  api,
  calendarSays,
  currentSession,
  group,
  load,
  stepTo,
  useWorld,
} from "./support/world.ts";

useWorld();
/** Readiness is kept for some seconds of the wall: it has aged out when the next test begins. */
let aheadMs = 0;
const realNow = Date.now.bind(Date);
beforeEach(() => {
  aheadMs += 60_000;
  vi.spyOn(Date, "now").mockImplementation(() => realNow() + aheadMs);
});

const readySchema = z.object({ ready: z.boolean(), warnings: z.array(z.string()) });
const hoursSchema = z.object({ open: z.string(), close: z.string() }).nullable();
const answerSchema = z.object({
  start: z.string(),
  end: z.string(),
  sessions: z.array(
    z.object({
      date: z.string(),
      open: z.string(),
      close: z.string(),
      early_close: z.boolean(),
      pre_open: z.string(),
      post_close: z.string(),
      expected_minutes: z.number(),
      overridden: z.boolean(),
    }),
  ),
  closures: z.array(z.object({ date: z.string(), reason: z.string(), overridden: z.boolean() })),
  check: z
    .object({ provider: z.string(), at: z.string(), from: z.string(), through: z.string() })
    .nullable(),
  differences: z.array(
    z.object({
      provider: z.string(),
      date: z.string(),
      theirs: hoursSchema,
      ours: hoursSchema,
      text: z.string(),
    }),
  ),
});

const calendarOf = async (query = "") => {
  const response = await api(`/v1/calendar${query}`);
  expect(response.status).toBe(200);
  return answerSchema.parse(await response.json());
};
const calendarWarnings = async () => {
  const { warnings } = readySchema.parse(await (await api("/health/ready")).json());
  return warnings.filter((text) => text.startsWith("calendar:"));
};
const dutiesOf = async () =>
  await runInDurableObject(group(0), (_, state) =>
    state.storage.sql
      .exec<{ name: string; due_ms: number }>(
        "SELECT name, due_ms FROM duty WHERE name LIKE 'task:calendar_check:%'",
      )
      .toArray(),
  );

/** The check of the day, as group g00 has planned it, run to its end. */
async function check(): Promise<string> {
  await load([0]);
  const [{ name } = { name: "" }] = await dutiesOf();
  await exports.FetchRunner.runTask({ v: 1, type: "calendar_check", duty: name });
  return name;
}

describe("GET /v1/calendar", () => {
  it("gives each session of the dates asked for, both ends included, and says why others have none", async () => {
    const { sessions, closures } = await calendarOf("?start=2026-11-25&end=2026-11-28");
    expect(sessions).toEqual([
      {
        date: "2026-11-25",
        open: "2026-11-25T14:30:00.000Z",
        close: "2026-11-25T21:00:00.000Z",
        early_close: false,
        pre_open: "2026-11-25T09:00:00.000Z",
        post_close: "2026-11-26T01:00:00.000Z",
        expected_minutes: 390,
        overridden: false,
      },
      {
        date: "2026-11-27",
        open: "2026-11-27T14:30:00.000Z",
        close: "2026-11-27T18:00:00.000Z",
        early_close: true,
        pre_open: "2026-11-27T09:00:00.000Z",
        post_close: "2026-11-27T22:00:00.000Z",
        expected_minutes: 210,
        overridden: false,
      },
    ]);
    expect(closures).toEqual([
      { date: "2026-11-26", reason: "Thanksgiving Day", overridden: false },
    ]);
  });

  it("says what the configuration has made so", async () => {
    const overrides = [
      { date: "2026-11-24", closed: true },
      { date: "2026-11-27", close: "12:00" },
    ];
    await setConfig({ calendar_overrides: overrides });
    const response = await api("/v1/calendar?start=2026-11-24&end=2026-11-27");
    const { sessions, closures } = answerSchema.parse(await response.json());
    const said = sessions.map((one) => [one.date, one.early_close, one.overridden]);
    expect(said).toEqual([
      ["2026-11-25", false, false],
      ["2026-11-27", true, true],
    ]);
    expect(sessions[1]?.expected_minutes).toBe(150);
    expect(closures).toEqual([
      { date: "2026-11-24", reason: "closed by override", overridden: true },
      { date: "2026-11-26", reason: "Thanksgiving Day", overridden: false },
    ]);
  });

  it("starts with today and goes on for 60 days when nothing is said", async () => {
    const { start, end, sessions, check: checked } = await calendarOf();
    expect(start).toBe(currentSession().date);
    expect(Date.parse(end) - Date.parse(start)).toBe(60 * 86_400_000);
    expect(sessions[0]?.date).toBe(currentSession().date);
    expect(checked).toBeNull();
  });

  it.each([
    ["a date that is none", "?start=2026-02-30", "start"],
    ["an instant", "?start=2026-02-03T00:00:00Z", "start"],
    ["a year that the calendar does not know", "?end=2031-01-02", "end"],
    ["an end before the start", "?start=2026-02-03&end=2026-02-02", "end"],
    ["more than 1,100 days", "?start=2020-01-01&end=2023-01-05", "end"],
  ])("refuses %s by the field", async (_, query, field) => {
    const response = await api(`/v1/calendar${query}`);
    expect(response.status).toBe(422);
    expect(response.headers.get("content-type")).toBe("application/problem+json");
    const problemSchema = z.object({ errors: z.array(z.object({ field: z.string() })) });
    const { errors } = problemSchema.parse(await response.json());
    expect(errors.map((error) => error.field)).toEqual([field]);
  });

  it("takes 1,100 days", async () => {
    const { sessions } = await calendarOf("?start=2020-01-01&end=2023-01-04");
    expect(sessions.length).toBeGreaterThan(750);
  });

  it("is not for those without a key", async () => {
    expect((await api("/v1/calendar", {})).status).toBe(401);
  });
});

describe("the daily check of the calendar", () => {
  it("is planned once a trading date, and shows what it found when there is no difference", async () => {
    const name = await check();
    expect(name).toBe(`task:calendar_check:${currentSession().date}`);
    expect(await dutiesOf()).toEqual([]);
    await load([0]);
    expect(await dutiesOf()).toEqual([]);
    expect(calendarSays.asked).toEqual(["alpaca"]);
    const { check: checked, differences } = await calendarOf();
    expect(checked?.provider).toBe("alpaca");
    expect(checked?.from).toBe(currentSession().date);
    expect(differences).toEqual([]);
    expect(await calendarWarnings()).toEqual([]);
  });

  it("shows a difference in readiness and in the calendar, also after an eviction, and takes none", async () => {
    const date = fullDayAfter(currentSession().closeMs, 10);
    calendarSays.closes.set(date, "13:00");
    await check();
    await evictDurableObject(group(0));
    const text = `alpaca closes ${date} at 13:00, we at 16:00`;
    expect(await calendarWarnings()).toEqual([`calendar: ${text}`]);
    const { sessions, differences } = await calendarOf(`?start=${date}&end=${date}`);
    expect(sessions[0]?.expected_minutes).toBe(390);
    expect(differences).toEqual([
      {
        provider: "alpaca",
        date,
        theirs: { open: "09:30", close: "13:00" },
        ours: { open: "09:30", close: "16:00" },
        text,
      },
    ]);
  });

  it("forgets a difference that the next check does not find", async () => {
    const date = fullDayAfter(currentSession().closeMs, 10);
    calendarSays.closes.set(date, null);
    const name = await check();
    expect((await calendarOf()).differences.map((one) => [one.date, one.theirs])).toEqual([
      [date, null],
    ]);
    calendarSays.closes.clear();
    await exports.FetchRunner.runTask({ v: 1, type: "calendar_check", duty: name });
    expect((await calendarOf()).differences).toEqual([]);
  });

  it("asks the next provider when the first is away", async () => {
    const date = fullDayAfter(currentSession().closeMs, 10);
    calendarSays.away.add("alpaca");
    calendarSays.holidays.push(date);
    await check();
    expect(calendarSays.asked).toEqual(["alpaca", "polygon"]);
    expect(await dutiesOf()).toEqual([]);
    const { check: checked, differences } = await calendarOf();
    expect([checked?.provider, checked?.through]).toEqual(["polygon", date]);
    expect(differences.map(({ text }) => text)).toContain(
      `polygon has no session on ${date}, we have one`,
    );
  });

  it("comes again when nobody answers, and leaves what was known before", async () => {
    const name = await check();
    const before = (await calendarOf()).check;
    calendarSays.away.add("alpaca").add("polygon");
    const { openMs } = currentSession();
    await stepTo(openMs + 1, []);
    await runInDurableObject(group(0), (_, state) => {
      const task = { v: 1, type: "calendar_check", duty: name };
      const sql = "INSERT INTO duty (name, due_ms, body) VALUES (?, 0, ?)";
      state.storage.sql.exec(sql, name, JSON.stringify({ task, tries: 0 }));
    });
    await exports.FetchRunner.runTask({ v: 1, type: "calendar_check", duty: name });
    expect(await dutiesOf()).toEqual([{ name, due_ms: openMs + 1 + 300_000 }]);
    expect((await calendarOf()).check).toEqual(before);
  });
});
