import type { FlushRow } from "../contracts/flush.ts";
import type { Bar } from "../domain/bar.ts";
import type { Belief, MinuteBeliefs, Source } from "../domain/belief.ts";
import type { Calendar } from "../domain/calendar.ts";
import { fingerprintOf } from "../domain/fingerprint.ts";
import { isComplete, minuteState, withAbsence, withDoubt } from "../domain/minute-state.ts";
import { judge, revised, type Verdict } from "../domain/revision.ts";
import type { Roster } from "../domain/roster.ts";
import type { EpochMs, TimeRange } from "../domain/time.ts";
import { MINUTE_MS } from "../domain/time.ts";

/** A validated answer as the group takes it in. */
export interface Answer {
  readonly source: Source;
  readonly askedAt: EpochMs;
  readonly settle: boolean;
  readonly bars: readonly Bar[];
  readonly covered: readonly (TimeRange & { readonly symbols: readonly string[] })[];
  /** Minutes whose absences are not believed, or only since another provider said the same. */
  readonly doubted: readonly EpochMs[];
  readonly agreed: readonly EpochMs[];
  /** Nobody else could be asked about what is doubted. */
  readonly alone: boolean;
}

/** What made absences believed that one answer alone did not: two providers, or three ticks of one. */
export type Evidence = "absence_agreed" | "absence_repeated";

/** What an answer is held against: the members, the beliefs, and market time `nowMs`. */
export interface ClassifyInput {
  readonly roster: Roster;
  readonly calendar: Calendar;
  readonly settleDelayMs: number;
  readonly nowMs: EpochMs;
  /** A private copy of the beliefs of a minute, as wide as the roster. */
  readonly beliefsAt: (ts: EpochMs) => MinuteBeliefs;
}

/** What an answer did to one minute. */
export interface MinuteChange {
  readonly ts: EpochMs;
  readonly beliefs: MinuteBeliefs;
  readonly rows: readonly FlushRow[];
  /** Slots whose state changed: they make a manifest entry. */
  readonly changedSlots: ReadonlySet<number>;
  /** Slots that became complete. */
  readonly resolvedSlots: readonly number[];
}

/** What an answer did to the beliefs, and how many of its bars got which verdict. */
export interface Classified {
  /** Ascending by minute; only minutes where some belief moved. */
  readonly minutes: readonly MinuteChange[];
  readonly verdicts: Readonly<Record<Verdict, number>>;
  /** By what absences of implausible minutes were believed all the same. */
  readonly evidence: ReadonlySet<Evidence>;
}

/** Holds an answer against the beliefs of the group. Pure: nothing is stored here. */
export function classify(answer: Answer, input: ClassifyInput): Classified {
  const barsByMinute = Map.groupBy(answer.bars, (bar) => bar.ts);
  const coveredByMinute = coveredSlots(answer, input);
  const minutes = [...new Set([...barsByMinute.keys(), ...coveredByMinute.keys()])].toSorted(
    (a, b) => a - b,
  );
  const verdicts: Record<Verdict, number> = {
    first: 0,
    updated: 0,
    same: 0,
    stale: 0,
    agreed: 0,
    disagreed: 0,
  };
  const context: Context = {
    answer,
    input,
    verdicts,
    doubted: new Set(answer.doubted),
    agreed: new Set(answer.agreed),
    evidence: new Set(),
  };
  const changes: MinuteChange[] = [];
  for (const ts of minutes) {
    const bars = barsByMinute.get(ts) ?? [];
    const change = classifyMinute(ts, bars, coveredByMinute.get(ts) ?? [], context);
    if (change !== null) changes.push(change);
  }
  return { minutes: changes, verdicts, evidence: context.evidence };
}

function coveredSlots(answer: Answer, input: ClassifyInput): Map<EpochMs, number[]> {
  const byMinute = new Map<EpochMs, number[]>();
  for (const covered of answer.covered) {
    const slots = covered.symbols
      .map((symbol) => input.roster.slotOf(symbol))
      .filter((slot) => slot !== undefined);
    for (const session of input.calendar.sessionsBetween(covered.startMs, covered.endMs)) {
      const startMs = Math.max(covered.startMs, session.openMs);
      const endMs = Math.min(covered.endMs, session.closeMs);
      for (let ts = startMs; ts < endMs; ts += MINUTE_MS) {
        const expected = slots.filter((slot) => input.roster.expects(slot, ts));
        byMinute.set(ts, [...(byMinute.get(ts) ?? []), ...expected]);
      }
    }
  }
  return byMinute;
}

interface Context {
  readonly answer: Answer;
  readonly input: ClassifyInput;
  readonly verdicts: Record<Verdict, number>;
  readonly doubted: ReadonlySet<EpochMs>;
  readonly agreed: ReadonlySet<EpochMs>;
  readonly evidence: Set<Evidence>;
}

function classifyMinute(
  ts: EpochMs,
  bars: readonly Bar[],
  covered: readonly number[],
  context: Context,
): MinuteChange | null {
  const { answer, input } = context;
  const beliefs = input.beliefsAt(ts);
  const rows: FlushRow[] = [];
  const changedSlots = new Set<number>();
  const resolvedSlots: number[] = [];
  const answered = new Set<number>();
  let moved = false;
  const put = (slot: number, before: Belief, after: Belief) => {
    if (after === before) return;
    beliefs.set(slot, after);
    moved = true;
    if (before.state !== after.state) changedSlots.add(slot);
    if (!isComplete(before) && isComplete(after)) resolvedSlots.push(slot);
  };
  for (const bar of bars) {
    const slot = input.roster.slotOf(bar.symbol);
    if (slot === undefined) continue;
    answered.add(slot);
    const before = beliefs.get(slot);
    const incoming = {
      source: answer.source,
      askedAt: answer.askedAt,
      fingerprint: fingerprintOf(bar),
      settle: answer.settle,
    };
    const verdict = judge(before, incoming);
    context.verdicts[verdict] += 1;
    if (verdict !== "first" && verdict !== "updated" && verdict !== "same") continue;
    const after = revised(before, incoming, verdict);
    put(slot, before, after);
    if (verdict !== "same" && after.state === "bar") {
      rows.push(rowOf(bar, after.revision, statusOf(verdict, before, slot, ts, input), context));
    }
  }
  for (const slot of covered) {
    if (answered.has(slot)) continue;
    const before = beliefs.get(slot);
    put(slot, before, afterAbsence(before, ts, context));
  }
  return moved ? { ts, beliefs, rows, changedSlots, resolvedSlots } : null;
}

/** What the lack of a bar makes of a belief, and on what evidence. */
function afterAbsence(before: Belief, ts: EpochMs, context: Context): Belief {
  const { answer, input } = context;
  const isDoubted = context.doubted.has(ts);
  const after = isDoubted
    ? withDoubt(before, ts, answer, input.settleDelayMs)
    : withAbsence(before, ts, answer.askedAt, input.settleDelayMs);
  if (after.state === "no_trade" && before.state !== "no_trade") {
    if (isDoubted) context.evidence.add("absence_repeated");
    else if (context.agreed.has(ts)) context.evidence.add("absence_agreed");
  }
  return after;
}

/** A first belief about a minute that had become a hole is `backfilled`. */
function statusOf(
  verdict: "first" | "updated",
  before: Belief,
  slot: number,
  ts: EpochMs,
  input: ClassifyInput,
) {
  if (verdict === "updated") return "updated";
  if (!input.calendar.isExpectedMinute(ts) || !input.roster.expects(slot, ts)) return "first";
  return minuteState(before, ts, input.nowMs, input.settleDelayMs) === "missing"
    ? "backfilled"
    : "first";
}

function rowOf(
  bar: Bar,
  revision: number,
  status: "first" | "updated" | "backfilled",
  context: Context,
): FlushRow {
  const { answer, input } = context;
  const session = input.calendar.sessionKind(bar.ts) ?? "post";
  return [
    bar.symbol,
    bar.ts,
    bar.open,
    bar.high,
    bar.low,
    bar.close,
    bar.volume,
    bar.tradeCount,
    bar.vwap,
    revision,
    answer.source.provider,
    answer.source.feed,
    status,
    session,
    answer.askedAt,
  ];
}
