import {
  type AuditedSymbol,
  type AuditFault,
  type AuditMinutes,
  type AuditRepair,
  type AuditSums,
  type AuditWindow,
  type GroupAudit,
  MAX_AUDIT_EXAMPLES,
  MAX_AUDIT_REPAIRS,
  MAX_AUDIT_SYMBOLS,
} from "../contracts/audit.ts";
import type { SymbolRange } from "../contracts/backfill.ts";
import {
  type AuditBar,
  type AuditCounts,
  compareBars,
  isSameSum,
  NO_BARS,
  noDifferences,
  withBar,
} from "../domain/audit.ts";
import type { Calendar } from "../domain/calendar.ts";
import { subtractRanges } from "../domain/range.ts";
import { type EpochMs, MINUTE_MS, toIso } from "../domain/time.ts";
import type { StoredAuditBar } from "../postgres/audit-store.ts";

/** How often an audit begins anew when the group takes something in meanwhile. */
const MAX_ROUNDS = 3;

/** The two sides that are held against each other. All verbs reject when their side is away. */
export interface AuditDeps {
  readonly calendar: Calendar;
  readonly sums: (group: number, window: AuditWindow) => Promise<AuditSums>;
  readonly minutes: (
    group: number,
    window: AuditWindow,
    symbols: readonly string[],
  ) => Promise<AuditMinutes>;
  /** Answers how many minutes were mended; null: the group has moved on. */
  readonly repair: (group: number, repair: AuditRepair) => Promise<number | null>;
  /** Of a page of symbols at most. */
  readonly readBars: (
    symbols: readonly string[],
    window: AuditWindow,
  ) => Promise<readonly StoredAuditBar[]>;
  readonly readHoles: (
    symbols: readonly string[],
    window: AuditWindow,
  ) => Promise<readonly SymbolRange[]>;
}

/** What is audited: a group's minutes of a session; and whether what is found is mended. */
export interface AuditAsk {
  readonly group: number;
  readonly window: AuditWindow;
  readonly repair: boolean;
}

type ReadySums = Extract<AuditSums, { state: "ready" }>;

/** What both sides have of the symbols that may differ, and how many bars Postgres has in all. */
interface Suspects {
  readonly barsStored: number;
  readonly differing: readonly string[];
  /** Stored bars of those that differ or stand in a hole. */
  readonly stored: ReadonlyMap<string, readonly AuditBar[]>;
  /** Holes that the group does not have. */
  readonly holes: readonly SymbolRange[];
}

/**
 * Holds what a group believes of a session against Postgres: sums first, and minute by minute only where
 * these differ. A flush that has not arrived yet is no difference: the group answers when it is drained,
 * and what was found counts only if it has taken in nothing since. Rejects when either side is away.
 */
export async function auditGroup(ask: AuditAsk, deps: AuditDeps): Promise<GroupAudit> {
  const { group, window } = ask;
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const sums = await deps.sums(group, window);
    if (sums.state !== "ready") return emptyAudit(group, sums.state);
    const suspects = await findSuspects(sums, window, deps);
    const faults = await findFaults(ask, sums, suspects, deps);
    if (faults === null) continue;
    const mendable = ask.repair ? mendableOf(faults, deps.calendar) : [];
    const repaired = await repairFaults(ask, sums.position, mendable, deps);
    if (repaired === null) continue;
    return {
      group,
      state: "audited",
      symbols: sums.symbols.length,
      bars_believed: sums.symbols.reduce((total, { bars }) => total + bars, 0),
      bars_stored: suspects.barsStored,
      differences: countFaults(faults),
      examples: faults
        .slice(0, MAX_AUDIT_EXAMPLES)
        .map(({ kind, symbol, ts }) => ({ kind, symbol, ts: toIso(ts) })),
      repaired,
      is_cut: mendable.length > MAX_AUDIT_REPAIRS,
    };
  }
  return emptyAudit(group, "undrained");
}

/** The audit of a group that came to nothing. */
export function emptyAudit(group: number, state: GroupAudit["state"]): GroupAudit {
  return {
    group,
    state,
    symbols: 0,
    bars_believed: 0,
    bars_stored: 0,
    differences: noDifferences(),
    examples: [],
    repaired: 0,
    is_cut: false,
  };
}

async function findSuspects(
  sums: ReadySums,
  window: AuditWindow,
  deps: AuditDeps,
): Promise<Suspects> {
  const names = sums.symbols.map(({ symbol }) => symbol);
  const holes = unknownHoles(await deps.readHoles(names, window), sums);
  const inHole = new Set(holes.map(({ symbol }) => symbol));
  const differing: string[] = [];
  const stored = new Map<string, readonly AuditBar[]>();
  let barsStored = 0;
  for (const page of pagesOf(sums.symbols)) {
    const read = await deps.readBars(
      page.map(({ symbol }) => symbol),
      window,
    );
    const bySymbol = Map.groupBy(read, ({ symbol }) => symbol);
    for (const believed of page) {
      const { symbol, sinceMs } = believed;
      // What is older is not owed: the history lane stores it without the group.
      const bars = (bySymbol.get(symbol) ?? []).filter(({ ts }) => ts >= sinceMs);
      barsStored += bars.length;
      const isSame = isSameSum(believed, bars.reduce(withBar, NO_BARS));
      if (!isSame) differing.push(symbol);
      if (!isSame || inHole.has(symbol)) stored.set(symbol, bars);
    }
  }
  return { barsStored, differing, stored, holes };
}

/** Holes of Postgres in minutes that are owed, as far as the group has none there. */
function unknownHoles(found: readonly SymbolRange[], { symbols, open }: ReadySums): SymbolRange[] {
  const since = new Map(symbols.map(({ symbol, sinceMs }) => [symbol, sinceMs]));
  const known = Map.groupBy(open, ({ symbol }) => symbol);
  return found.flatMap(({ symbol, startMs, endMs }) => {
    const fromMs = Math.max(startMs, since.get(symbol) ?? Infinity);
    if (fromMs >= endMs) return [];
    return subtractRanges([{ startMs: fromMs, endMs }], known.get(symbol) ?? []).map((range) => ({
      symbol,
      ...range,
    }));
  });
}

/** Every difference, by minute within a symbol; null when the group has moved on meanwhile. */
async function findFaults(
  { group, window }: AuditAsk,
  sums: ReadySums,
  { differing, stored, holes }: Suspects,
  deps: AuditDeps,
): Promise<AuditFault[] | null> {
  const faults: AuditFault[] = [];
  for (const page of pagesOf(differing)) {
    const { position, symbols } = await deps.minutes(group, window, page);
    if (position !== sums.position) return null;
    for (const { symbol, bars, lost } of symbols) {
      const sides = { believed: bars, lost, stored: stored.get(symbol) ?? [] };
      faults.push(...compareBars(sides).map((difference) => ({ symbol, ...difference })));
    }
  }
  const accounted = new Set(faults.map(({ symbol, ts }) => `${symbol} ${ts}`));
  for (const [symbol, bars] of stored) for (const { ts } of bars) accounted.add(`${symbol} ${ts}`);
  for (const { symbol, startMs, endMs } of holes) {
    for (let ts: EpochMs = startMs; ts < endMs; ts += MINUTE_MS) {
      if (accounted.has(`${symbol} ${ts}`) || !deps.calendar.isExpectedMinute(ts)) continue;
      faults.push({ symbol, kind: "unknown_hole", ts, revision: null });
    }
  }
  return faults;
}

/**
 * What a group can do something about, oldest first: regular minutes are asked for again, and a revision
 * number is taken over. What it can't mend must take no place from what it can, run after run.
 */
function mendableOf(faults: readonly AuditFault[], calendar: Calendar): AuditFault[] {
  return faults
    .filter(
      ({ kind, ts }) =>
        kind === "revision" || (kind !== "unknown_to_group" && calendar.isExpectedMinute(ts)),
    )
    .toSorted((a, b) => a.ts - b.ts);
}

async function repairFaults(
  { group }: AuditAsk,
  position: string,
  mendable: readonly AuditFault[],
  deps: AuditDeps,
): Promise<number | null> {
  if (mendable.length === 0) return 0;
  return await deps.repair(group, { position, faults: mendable.slice(0, MAX_AUDIT_REPAIRS) });
}

function countFaults(faults: readonly AuditFault[]): AuditCounts {
  const counts = noDifferences();
  for (const { kind } of faults) counts[kind] += 1;
  return counts;
}

function pagesOf<T extends AuditedSymbol | string>(all: readonly T[]): T[][] {
  const pages: T[][] = [];
  for (let at = 0; at < all.length; at += MAX_AUDIT_SYMBOLS)
    pages.push(all.slice(at, at + MAX_AUDIT_SYMBOLS));
  return pages;
}
