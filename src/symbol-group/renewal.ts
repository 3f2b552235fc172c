import type { DurableObjectStorage } from "@cloudflare/workers-types";
import type { SymbolRange } from "../contracts/backfill.ts";
import type { GapEvent } from "../contracts/flush.ts";
import type { Belief } from "../domain/belief.ts";
import type { Calendar } from "../domain/calendar.ts";
import { rangesOfMinutes } from "../domain/range.ts";
import type { EpochMs } from "../domain/time.ts";
import { DAY_MS, floorToMinute, MINUTE_MS } from "../domain/time.ts";
import type { GroupView } from "../domain/watermark.ts";
import type { BeliefStore } from "./belief-store.ts";
import { MAX_FLUSH_GAPS } from "./digest.ts";
import type { GroupHoles } from "./group-holes.ts";
import type { StoredPosition } from "./realign.ts";
import type { StreamLog } from "./stream-log.ts";

/** What a group begins anew with. */
export interface RenewalDeps {
  readonly storage: DurableObjectStorage;
  readonly stream: StreamLog;
  readonly beliefs: BeliefStore;
  readonly holes: GroupHoles;
  readonly view: () => GroupView;
  readonly now: () => EpochMs;
  /** From where on there are beliefs. */
  readonly keptFromMs: () => EpochMs;
  readonly appendGaps: (gaps: readonly GapEvent[]) => void;
}

/** What a renewal did. */
export interface Renewal {
  readonly epoch: string;
  /** Every minute from here on is fetched again as far as it had a bar. */
  readonly fromMs: EpochMs;
  readonly lost: number;
  /** Trading dates whose daily bars are lost too, a range a symbol: nobody opens holes for these. */
  readonly days: readonly SymbolRange[];
}

/**
 * Begins a new epoch because Postgres and the log do not fit any more. What became known after `stored` may
 * be in neither: the bars of that span are lost and their minutes open as holes, so that whoever brings them
 * again makes the next revision. Every hole is told again, and a hole that only Postgres has ends or opens,
 * as its minutes are believed. One transaction.
 */
export function renewGroup(
  deps: RenewalDeps,
  stored: StoredPosition | null,
  storedHoles: readonly SymbolRange[],
): Renewal {
  return deps.storage.transactionSync(() => {
    const { roster, calendar } = deps.view();
    const fromMs = Math.max(doubtedFrom(calendar, stored), deps.keptFromMs());
    deps.stream.renew(stored);
    const sorting = new Sorting(deps);
    const nowMs = floorToMinute(deps.now());
    for (let ts = fromMs; ts < nowMs; ts += MINUTE_MS) sorting.sort(ts, roster.members.keys());
    for (const { symbol, ...range } of storedHoles) {
      const slot = roster.slotOf(symbol);
      if (slot === undefined) continue;
      for (let ts = Math.max(range.startMs, deps.keptFromMs()); ts < range.endMs; ts += MINUTE_MS)
        sorting.sort(ts, [slot], true);
    }
    const { open, dead } = deps.holes.book().retell(roster);
    const told = [...sorting.events("filled"), ...sorting.events("unfillable"), ...open];
    for (const gaps of [told, dead]) {
      for (let at = 0; at < gaps.length; at += MAX_FLUSH_GAPS)
        deps.appendGaps(gaps.slice(at, at + MAX_FLUSH_GAPS));
    }
    deps.holes.open(sorting.opened);
    const days = loseDays(deps, fromMs, nowMs);
    return { epoch: deps.stream.epoch(), fromMs, lost: sorting.lost, days };
  });
}

/** Makes the daily bars of a span lost. */
function loseDays({ beliefs, view }: RenewalDeps, fromMs: EpochMs, endMs: EpochMs): SymbolRange[] {
  const { members } = view().roster;
  const lost = new Map<string, SymbolRange>();
  for (let ts = fromMs - (fromMs % DAY_MS); ts < endMs; ts += DAY_MS) {
    const day = beliefs.read("1d", ts, members.length);
    let hasMoved = false;
    for (const { symbol, slot } of members) {
      const belief = day.get(slot);
      if (belief.state !== "bar") continue;
      day.set(slot, asLost(belief));
      hasMoved = true;
      lost.set(symbol, { symbol, startMs: lost.get(symbol)?.startMs ?? ts, endMs: ts + DAY_MS });
    }
    if (hasMoved) beliefs.write("1d", ts, day);
  }
  return [...lost.values()];
}

/** What the minutes of a renewal come to, by slot. */
class Sorting {
  readonly opened = new Map<number, EpochMs[]>();
  lost = 0;
  #deps: RenewalDeps;
  #view: GroupView;
  #told = { filled: new Map<number, EpochMs[]>(), unfillable: new Map<number, EpochMs[]>() };

  constructor(deps: RenewalDeps) {
    this.#deps = deps;
    this.#view = deps.view();
  }

  /** Makes the bars of a minute lost, and notes what is to be told of it; `isHole` in Postgres alone. */
  sort(ts: EpochMs, slots: Iterable<number>, isHole = false): void {
    const { roster, calendar, beliefsAt } = this.#view;
    const minute = beliefsAt(ts);
    const before = this.lost;
    for (const slot of slots) {
      const belief = minute.get(slot);
      if (belief.state === "bar") {
        minute.set(slot, asLost(belief));
        this.lost += 1;
        if (roster.expects(slot, ts) && calendar.isExpectedMinute(ts)) put(this.opened, slot, ts);
      }
      if (belief.state === "unfillable") put(this.#told.unfillable, slot, ts);
      if (belief.state === "no_trade" && isHole) put(this.#told.filled, slot, ts);
    }
    if (this.lost > before) this.#deps.beliefs.write("1m", ts, minute);
  }

  events(kind: "filled" | "unfillable"): GapEvent[] {
    const { roster } = this.#view;
    return [...this.#told[kind]].flatMap(([slot, minutes]) => {
      const symbol = roster.members[slot]?.symbol;
      if (symbol === undefined) return [];
      return rangesOfMinutes(minutes.toSorted((a, b) => a - b)).map(
        ({ startMs, endMs }): GapEvent => [symbol, startMs, endMs, kind, null, null],
      );
    });
  }
}

function put(minutes: Map<number, EpochMs[]>, slot: number, ts: EpochMs): void {
  const known = minutes.get(slot);
  if (known === undefined) minutes.set(slot, [ts]);
  else known.push(ts);
}

/**
 * From where on bars may have been revised after Postgres' knowledge time: its session, and the one before,
 * whose last settle pass comes in the morning after.
 */
function doubtedFrom(calendar: Calendar, stored: StoredPosition | null): EpochMs {
  if (stored === null || stored.asOfMs === 0) return 0;
  const session = calendar.previousSession(stored.asOfMs);
  return calendar.previousSession(session.openMs - 1).preOpenMs;
}

function asLost({ source, revision, askedAt }: Extract<Belief, { state: "bar" }>): Belief {
  return { state: "lost", source, revision, askedAt };
}
