import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { expect, inject, it, vi } from "vitest";
import { SymbolGroup } from "../../durable-objects/symbol-group.ts";
import {
  type BackfillEnd,
  type BackfillRun,
  MAX_OFFERED_HOLES,
  type OfferedHole,
} from "../../src/contracts/backfill.ts";
import { createCalendar } from "../../src/domain/calendar.ts";
import { type Credits, takeCredits } from "../../src/domain/credits.ts";
import { holePriority } from "../../src/domain/hole-priority.ts";
import { Roster } from "../../src/domain/roster.ts";
import { groupOf } from "../../src/domain/symbol.ts";
import type { TimeRange } from "../../src/domain/time.ts";
import { MINUTE_MS } from "../../src/domain/time.ts";
import { marketClock, stepMarketClock } from "../../src/platform/clocks.ts";
import { HoleBook } from "../../src/symbol-group/hole-book.ts";
import { manySymbols } from "../support/many-symbols.ts";
import { catchLetters } from "./support/backfills.ts";
import { AWAY, fakeRunner, MALFORMED, nothingOf } from "./support/fake-runner.ts";
import { currentSession, minute, queue, useWorld } from "./support/world.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** Each has 20 holes: 780 fill the queues of T0 and T1 beyond their caps. */
    stormSymbols: number;
  }
}

useWorld();
const letters = catchLetters();

/** T0 has so many of the symbols, T1 the others. */
const SYMBOLS = manySymbols(inject("stormSymbols"));
const T0_SYMBOLS = Math.max(260, SYMBOLS.length / 6);
/** As many symbols a group as in the whole storm, so that jobs are as large. */
const STORM_GROUPS = Math.ceil(SYMBOLS.length / 94);
const HOLES_A_SYMBOL = 20;
const CALLS_A_MINUTE = 100;
const STORM_TIERS = ["T0", "T1"] as const;
const CAPS = { T0: 5_000, T1: 10_000 };
/** Nobody answers from one minute of the storm to another. */
const AWAY_MINUTES = { from: 3, to: 6 };
const MAX_MINUTES = 240;
/** No provider ever has these. */
const POISON: ReadonlySet<string> = new Set([SYMBOLS[7] ?? "", SYMBOLS.at(-3) ?? ""]);
const calendar = createCalendar();

/** The groups' side: books of holes as groups keep them, and the minutes that they were asked for. */
class Groups {
  readonly asked = new Map<string, number>();
  #groups = Array.from({ length: STORM_GROUPS }, (_, group) => {
    const own = SYMBOLS.flatMap((symbol, index) =>
      groupOf(symbol, STORM_GROUPS) === group ? [{ symbol, sid: index }] : [],
    );
    const members = own.map(({ symbol, sid }, slot) => {
      const tier = sid < T0_SYMBOLS ? ("T0" as const) : ("T1" as const);
      return { slot, symbol, sid, tier, sinceMs: 0, active: true, reusedOn: null };
    });
    return { group, roster: new Roster(members), book: new HoleBook([]) };
  });

  /** Each symbol has holes of one to four minutes; answers how many were opened. */
  open(): number {
    let opened = 0;
    for (const { roster, book } of this.#groups) {
      for (const { slot, sid } of roster.members) {
        const minutes = Array.from({ length: HOLES_A_SYMBOL }, (_, hole) => {
          const from = 15 * hole + (sid % 3);
          return Array.from({ length: 1 + (sid % 4) }, (__, index) => minute(from + index));
        }).flat();
        opened += book.open(new Map([[slot, minutes]]), roster).length;
      }
    }
    return opened;
  }

  /** Offers a tier's holes, group by group from a changing first one, until its queue is full. */
  async offer(tier: (typeof STORM_TIERS)[number], turn: number): Promise<void> {
    for (let i = 0; i < STORM_GROUPS; i += 1) {
      const entry = this.#groups[(i + turn) % STORM_GROUPS];
      if (entry === undefined) continue;
      const { group, roster, book } = entry;
      const unoffered = book
        .unoffered(roster, Infinity)
        .filter(({ slot }) => roster.members[slot]?.tier === tier)
        .slice(0, MAX_OFFERED_HOLES);
      const holes = unoffered.map(({ slot, ...range }): OfferedHole => {
        const priority = holePriority(tier, range.startMs, marketClock.now(), calendar);
        const symbol = roster.members[slot]?.symbol ?? "";
        return { group, symbol, interval: "1m", priority, ...range };
      });
      if (holes.length === 0) continue;
      const { taken } = await queue(tier).offer(holes, "gap");
      book.markQueued(unoffered.slice(0, taken));
      if (taken < holes.length) return;
    }
  }

  fill(symbol: string, range: TimeRange): void {
    this.asked.set(symbol, (this.asked.get(symbol) ?? 0) + 1);
    if (POISON.has(symbol)) return;
    this.#on(symbol, ({ book, roster }, slot) => {
      const minutes = book
        .openIn(slot, range)
        .flatMap(({ startMs, endMs }) =>
          Array.from({ length: (endMs - startMs) / MINUTE_MS }, (_, i) => startMs + i * MINUTE_MS),
        );
      book.fill(new Map([[slot, minutes]]), roster, "alpaca");
    });
  }

  die(symbol: string, range: TimeRange): void {
    this.#on(symbol, ({ book, roster }) => book.die([{ symbol, ...range }], roster));
  }

  /** Symbols with holes that are neither filled nor dead, and those with dead ones. */
  left(): { open: string[]; dead: string[] } {
    const day = { startMs: minute(0), endMs: minute(390) };
    const left = { open: new Array<string>(), dead: new Array<string>() };
    for (const { book, roster } of this.#groups) {
      const offered = new Set(book.unoffered(roster, Infinity).map(({ slot }) => slot));
      for (const { slot, symbol } of roster.members) {
        if (book.openIn(slot, day).length === 0) continue;
        left[offered.has(slot) || !POISON.has(symbol) ? "open" : "dead"].push(symbol);
      }
    }
    return left;
  }

  #on(symbol: string, act: (entry: (typeof this.entries)[number], slot: number) => void): void {
    const entry = this.entries[groupOf(symbol, STORM_GROUPS)];
    const slot = entry?.roster.slotOf(symbol);
    if (entry !== undefined && slot !== undefined) act(entry, slot);
  }

  get entries() {
    return this.#groups;
  }
}

/** A provider that answers for a job in one call, with so many calls a minute. */
class StormProvider {
  isAway = false;
  calls = 0;
  #credits: Credits | null = null;

  answer(run: BackfillRun, groups: Groups): BackfillEnd {
    if (this.isAway) return nothingOf(run, AWAY);
    const nowMs = marketClock.now();
    const ask = { wanted: 1, lane: run.tier, nowMs, perMinute: CALLS_A_MINUTE };
    const { credits, granted } = takeCredits(this.#credits, ask);
    this.#credits = credits;
    if (granted === 0) return nothingOf(run, { ...AWAY, reason: "no_credits", error: "none" });
    this.calls += 1;
    const range = { startMs: run.start_ms, endMs: run.end_ms };
    for (const symbol of run.symbols) groups.fill(symbol, range);
    const symbols = run.symbols.filter((symbol) => POISON.has(symbol));
    return symbols.length === 0
      ? { open: [], cause: null }
      : nothingOf({ ...run, symbols }, MALFORMED);
  }
}

/** Rows that a queue has in its tables. */
async function rowsOf(tier: (typeof STORM_TIERS)[number]): Promise<number> {
  return await runInDurableObject(queue(tier), (_, { storage }) =>
    ["hole", "run", "dead"].reduce(
      (sum, table) =>
        sum + storage.sql.exec<{ n: number }>(`SELECT count(*) AS n FROM ${table}`).one().n,
      0,
    ),
  );
}

/** Runs both queues up to an instant, one due time after the other. */
async function runUntil(untilMs: number): Promise<void> {
  for (;;) {
    const due: (number | null)[] = [];
    for (const tier of STORM_TIERS) due.push(await queue(tier).runUntilQuiet());
    const nextMs = Math.min(...due.filter((ms) => ms !== null));
    if (nextMs >= untilMs) return stepMarketClock(untilMs);
    stepMarketClock(nextMs);
  }
}

it("a storm of holes is filled at 100 calls a minute, within the caps, and nobody dies untried", async () => {
  const groups = new Groups();
  const provider = new StormProvider();
  fakeRunner((run) => provider.answer(run, groups));
  vi.spyOn(SymbolGroup.prototype, "holesDied").mockImplementation(async (ranges) => {
    for (const { symbol, ...range } of ranges) groups.die(symbol, range);
  });
  const startMs = currentSession().closeMs;
  stepMarketClock(startMs);
  expect(groups.open()).toBe(SYMBOLS.length * HOLES_A_SYMBOL);

  let most = { T0: 0, T1: 0 };
  let minutes = 0;
  for (; minutes < MAX_MINUTES; minutes += 1) {
    provider.isAway = minutes >= AWAY_MINUTES.from && minutes < AWAY_MINUTES.to;
    for (const tier of STORM_TIERS) await groups.offer(tier, minutes);
    for (const tier of STORM_TIERS) {
      const rows = await rowsOf(tier);
      most = { ...most, [tier]: Math.max(most[tier], rows) };
      expect((await queue(tier).status()).depth).toBeLessThanOrEqual(CAPS[tier]);
    }
    await runUntil(startMs + (minutes + 1) * MINUTE_MS);
    for (const tier of STORM_TIERS) {
      const deaths = letters.filter((letter) => letter.tier === tier);
      await queue(tier).confirmDead(deaths.map(({ id, died_ms: diedMs }) => ({ id, diedMs })));
      if (minutes % 5 === 0) await evictDurableObject(queue(tier));
    }
    if (groups.left().open.length === 0 && (await rowsOf("T0")) + (await rowsOf("T1")) === 0) break;
  }

  // The caps were reached, and never passed: a job's row stands beside its holes.
  expect(most).toEqual(CAPS);
  expect(groups.left()).toEqual({ open: [], dead: [...POISON].toSorted(byGroup) });
  expect(letters.map(({ attempts }) => attempts)).toEqual(letters.map(() => 5));
  expect(new Set(letters.map(({ symbol }) => symbol))).toEqual(POISON);
  for (const symbol of POISON) expect(groups.asked.get(symbol)).toBeGreaterThanOrEqual(5);
  expect(provider.calls).toBeLessThanOrEqual((minutes + 2) * CALLS_A_MINUTE);
}, 300_000);

function byGroup(a: string, b: string): number {
  return groupOf(a, STORM_GROUPS) - groupOf(b, STORM_GROUPS);
}
