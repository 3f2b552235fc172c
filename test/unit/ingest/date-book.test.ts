import { describe, expect, it } from "vitest";
import { DateBook } from "../../../src/ingest/date-book.ts";

const RECENT = "2026-03-20";
const OLD = "2024-01-02";
const SYMBOLS = Array.from({ length: 100 }, (_, index) => `S${index}`);
const book = () => new DateBook(SYMBOLS, [RECENT, OLD]);

describe("the dates of a job", () => {
  it("are answered when every symbol is, be it by several providers", () => {
    const dates = book();
    dates.note(RECENT, SYMBOLS.slice(0, 60), null);
    dates.note(RECENT, SYMBOLS.slice(60), null);
    dates.note(OLD, SYMBOLS, null);
    expect(dates.openDates()).toEqual([]);
    expect(dates.result(RECENT)).toEqual({ answered: [RECENT, OLD], waiting: [] });
  });

  it("leave open what was not covered, for the next provider", () => {
    const dates = book();
    dates.note(RECENT, SYMBOLS, null);
    dates.note(OLD, SYMBOLS.slice(1), null);
    expect(dates.openDates()).toEqual([OLD]);
    expect(dates.openSymbols()).toEqual(["S0"]);
  });

  it("are answered although nobody knows some symbols", () => {
    const dates = book();
    for (const date of [RECENT, OLD]) {
      dates.note(date, SYMBOLS.slice(3), null);
      dates.note(date, [], "bad_request");
    }
    expect(dates.result(RECENT)).toEqual({ answered: [RECENT, OLD], waiting: [] });
  });

  it.each(["timeout", "unavailable", "malformed", "rate_limited", "no_credits"] as const)(
    "wait when %s cut an answer short, and the dates before the cut do not",
    (kind) => {
      const dates = book();
      dates.note(RECENT, SYMBOLS.slice(0, 95), kind);
      dates.note(OLD, SYMBOLS.slice(0, 50), kind);
      expect(dates.result(RECENT)).toEqual({ answered: [RECENT], waiting: [OLD] });
    },
  );

  it("wait when they are not there yet, but not when they are history that nobody has", () => {
    for (const failure of [null, "not_found"] as const) {
      const dates = book();
      for (const date of [RECENT, OLD]) dates.note(date, [], failure);
      expect(dates.result(RECENT)).toEqual({ answered: [], waiting: [RECENT] });
    }
  });

  it("neither wait nor are answered when no key may ask for them", () => {
    const dates = book();
    for (const date of [RECENT, OLD]) dates.note(date, [], "not_entitled");
    expect(dates.result(RECENT)).toEqual({ answered: [], waiting: [] });
  });

  it("wait when nobody was asked", () => {
    expect(book().result(RECENT)).toEqual({ answered: [], waiting: [RECENT, OLD] });
  });
});
