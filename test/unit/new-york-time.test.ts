import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { newYorkMs, tradingDateOf } from "../../src/domain/new-york-time.ts";
import { HOUR_MS, toIso } from "../../src/domain/time.ts";

/** The calendar years in New York: 1990 to 2030. */
const FIRST_MS = Date.parse("1990-01-01T05:00:00Z");
const END_MS = Date.parse("2031-01-01T05:00:00Z");

/** Starts of the UTC hours of the calendar years that `isTaken` takes. */
function hoursOfYears(isTaken: (date: Date) => boolean): number[] {
  const hours: number[] = [];
  for (let ms = FIRST_MS; ms < END_MS; ms += HOUR_MS) {
    if (isTaken(new Date(ms))) hours.push(ms);
  }
  return hours;
}

describe("New York time", () => {
  it.each([
    ["1990-04-01", "1990-10-28"],
    ["2006-04-02", "2006-10-29"],
    ["2007-03-11", "2007-11-04"],
    ["2026-03-08", "2026-11-01"],
  ])("changes to daylight time on %s and back on %s", (spring, autumn) => {
    expect(newYorkMs(spring, 1_440) - newYorkMs(spring, 0)).toBe(23 * HOUR_MS);
    expect(newYorkMs(autumn, 1_440) - newYorkMs(autumn, 0)).toBe(25 * HOUR_MS);
    expect(toIso(newYorkMs(spring, 119))).toBe(`${spring}T06:59:00.000Z`);
    expect(toIso(newYorkMs(spring, 180))).toBe(`${spring}T07:00:00.000Z`);
    expect(toIso(newYorkMs(autumn, 119))).toBe(`${autumn}T05:59:00.000Z`);
    expect(toIso(newYorkMs(autumn, 120))).toBe(`${autumn}T07:00:00.000Z`);
  });

  it("reads a skipped time as an hour later and a repeated one as the first", () => {
    expect(toIso(newYorkMs("2026-03-08", 150))).toBe("2026-03-08T07:30:00.000Z");
    expect(toIso(newYorkMs("2026-11-01", 90))).toBe("2026-11-01T05:30:00.000Z");
  });

  it("agrees with the time zone database on the date of the hours around every midnight", () => {
    const format = new Intl.DateTimeFormat("sv-SE", { timeZone: "America/New_York" });
    const hours = hoursOfYears((date) => date.getUTCHours() >= 3 && date.getUTCHours() <= 5);
    expect(hours).toHaveLength(14_975 * 3);
    expect(hours.filter((ms) => format.format(ms) !== tradingDateOf(ms)).map(toIso)).toEqual([]);
  });

  it("agrees with the time zone database on the wall time of every hour of every Sunday", () => {
    const format = new Intl.DateTimeFormat("sv-SE", {
      timeZone: "America/New_York",
      dateStyle: "short",
      timeStyle: "short",
    });
    const wrong = hoursOfYears((date) => date.getUTCDay() === 0).filter((ms) => {
      const [date = "", time = ""] = format.format(ms).split(" ");
      const found = newYorkMs(date, Number(time.slice(0, 2)) * 60 + Number(time.slice(3)));
      const isSecondOfRepeated = format.format(ms - HOUR_MS) === format.format(ms);
      return found !== (isSecondOfRepeated ? ms - HOUR_MS : ms);
    });
    expect(wrong.map(toIso)).toEqual([]);
  });

  it("puts every instant between the midnights of its date", () => {
    const instants = fc.integer({ min: FIRST_MS, max: END_MS - 1 });
    fc.assert(
      fc.property(instants, (ms) => {
        const date = tradingDateOf(ms);
        expect(ms).toBeGreaterThanOrEqual(newYorkMs(date, 0));
        expect(ms).toBeLessThan(newYorkMs(date, 1_440));
      }),
    );
  });

  it("refuses a minute outside the day", () => {
    expect(() => newYorkMs("2026-03-20", 1_441)).toThrow(RangeError);
    expect(() => newYorkMs("2026-03-20", Number.NaN)).toThrow(RangeError);
  });
});
