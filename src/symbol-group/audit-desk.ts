import type { DurableObjectStorage } from "@cloudflare/workers-types";
import type {
  AuditedSymbol,
  AuditMinutes,
  AuditRepair,
  AuditSums,
  AuditWindow,
} from "../contracts/audit.ts";
import { type AuditBar, NO_BARS, withBar } from "../domain/audit.ts";
import { type Belief, UNKNOWN } from "../domain/belief.ts";
import type { Calendar } from "../domain/calendar.ts";
import type { EpochMs } from "../domain/time.ts";
import { MINUTE_MS } from "../domain/time.ts";
import type { GroupView } from "../domain/watermark.ts";
import type { BeliefStore } from "./belief-store.ts";
import type { GroupHoles } from "./group-holes.ts";
import type { StreamLog } from "./stream-log.ts";

/** What a group's side of an audit reads and mends. */
export interface AuditDeskDeps {
  readonly storage: DurableObjectStorage;
  readonly stream: StreamLog;
  readonly beliefs: BeliefStore;
  readonly holes: GroupHoles;
  readonly view: () => GroupView;
  /** From where on there are beliefs. */
  readonly keptFromMs: () => EpochMs;
}

/**
 * The group's side of an audit. It tells what it believes of the symbols that it is owed minutes of, and
 * asks again for what Postgres does not hold. A position (epoch and last flush) stands for all that it
 * believes: as long as it is the same, nothing came in between.
 */
export class AuditDesk {
  #deps: AuditDeskDeps;

  constructor(deps: AuditDeskDeps) {
    this.#deps = deps;
  }

  /** Sums over the bars of a session, and its open holes; only when Postgres has every flush. */
  sums(window: AuditWindow): AuditSums {
    const { stream, holes, view } = this.#deps;
    if (window.startMs < this.#deps.keptFromMs()) return { state: "forgotten" };
    if (stream.backlog().flushes > 0) return { state: "undrained" };
    const { roster } = view();
    const symbols = roster.polled().map(({ symbol, slot, sinceMs }) => {
      let sum = NO_BARS;
      return {
        slot,
        add: (bar: AuditBar) => (sum = withBar(sum, bar)),
        done: (): AuditedSymbol => ({ symbol, sinceMs, ...sum }),
      };
    });
    this.#eachMinute(window, (ts, beliefOf) => {
      for (const { slot, add } of symbols) {
        const bar = barOf(ts, beliefOf(slot));
        if (bar !== null && roster.expects(slot, ts)) add(bar);
      }
    });
    const names = roster.polled().map(({ symbol }) => symbol);
    return {
      state: "ready",
      position: this.#position(),
      symbols: symbols.map(({ done }) => done()),
      open: holes.openOf(names, window),
    };
  }

  /** The same minute by minute, for symbols whose sums differ. */
  minutes(window: AuditWindow, names: readonly string[]): AuditMinutes {
    const { roster } = this.#deps.view();
    const symbols = names.flatMap((symbol) => {
      const slot = roster.slotOf(symbol);
      return slot === undefined ? [] : [{ symbol, slot, bars: noBars(), lost: noMinutes() }];
    });
    this.#eachMinute(window, (ts, beliefOf) => {
      for (const { slot, bars, lost } of symbols) {
        if (!roster.expects(slot, ts)) continue;
        const belief = beliefOf(slot);
        const bar = barOf(ts, belief);
        if (bar !== null) bars.push(bar);
        if (belief.state === "lost") lost.push(ts);
      }
    });
    return {
      position: this.#position(),
      symbols: symbols.map(({ symbol, bars, lost }) => ({ symbol, bars, lost })),
    };
  }

  /**
   * Opens a hole for each minute that Postgres does not hold as it is believed, and takes over a revision
   * number that is ahead. Only regular minutes can be asked for again. Answers how many were mended; null
   * when something came in since the differences were found.
   */
  repair({ position, faults }: AuditRepair): number | null {
    if (position !== this.#position()) return null;
    const { storage, beliefs, holes, view } = this.#deps;
    return storage.transactionSync(() => {
      const { roster, calendar, beliefsAt } = view();
      const opened = new Map<number, EpochMs[]>();
      let repaired = 0;
      const byMinute = [...Map.groupBy(faults, ({ ts }) => ts)].toSorted(([a], [b]) => a - b);
      for (const [ts, ofMinute] of byMinute) {
        const minute = beliefsAt(ts);
        for (const fault of ofMinute) {
          const slot = roster.slotOf(fault.symbol);
          if (slot === undefined || !roster.expects(slot, ts)) continue;
          const after = repairedBelief(minute.get(slot), fault, calendar);
          if (after === null) continue;
          minute.set(slot, after);
          repaired += 1;
          if (after.state !== "bar") opened.set(slot, [...(opened.get(slot) ?? []), ts]);
        }
        beliefs.write("1m", ts, minute);
      }
      holes.open(opened);
      return repaired;
    });
  }

  #eachMinute(
    { startMs, endMs }: AuditWindow,
    look: (ts: EpochMs, beliefOf: (slot: number) => Belief) => void,
  ): void {
    const { beliefsAt } = this.#deps.view();
    for (let ts = startMs; ts < endMs; ts += MINUTE_MS) {
      const minute = beliefsAt(ts);
      look(ts, (slot) => minute.get(slot));
    }
  }

  #position(): string {
    const { stream } = this.#deps;
    return `${stream.epoch()}:${stream.head().fs}`;
  }
}

const noBars = (): AuditBar[] => [];
const noMinutes = (): EpochMs[] => [];

function barOf(ts: EpochMs, belief: Belief): AuditBar | null {
  if (belief.state !== "bar") return null;
  const { revision, fingerprint } = belief;
  return { ts, revision, fingerprint };
}

/** What a difference makes of a belief; null: nothing can be done about it here. */
function repairedBelief(
  belief: Belief,
  { kind, ts, revision }: AuditRepair["faults"][number],
  calendar: Calendar,
): Belief | null {
  switch (kind) {
    case "missing_in_postgres":
    case "differs": {
      if (belief.state !== "bar" || !calendar.isExpectedMinute(ts)) return null;
      const { source, askedAt } = belief;
      const next = Math.max(belief.revision, revision ?? 0);
      return { state: "lost", source, revision: next, askedAt };
    }
    case "revision":
      if (belief.state !== "bar" || revision === null || revision <= belief.revision) return null;
      return { ...belief, revision };
    case "unknown_hole":
      if (belief.state === "bar" || belief.state === "lost") return null;
      return calendar.isExpectedMinute(ts) ? UNKNOWN : null;
    // Whoever wrote it may know better than any provider: a person decides.
    case "unknown_to_group":
      return null;
  }
}
