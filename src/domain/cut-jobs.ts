import { groupOf } from "./symbol.ts";
import type { TimeRange } from "./time.ts";

/** A job for 1-minute bars, as far as cutting it concerns. */
export interface CuttableJob extends TimeRange {
  readonly id: string;
  readonly symbols: readonly string[];
  readonly priority: number;
}

/** What one group does of one or more jobs: one range, its own symbols, one answer, one flush. */
export interface JobPart extends TimeRange {
  /** The id of the first job that it is part of. */
  readonly id: string;
  readonly jobs: readonly string[];
  readonly group: number;
  readonly symbols: readonly string[];
  readonly priority: number;
}

interface OpenPart extends JobPart {
  readonly jobs: string[];
  readonly symbols: string[];
}

/**
 * Cuts jobs along the groups that are home of their symbols. Jobs that ask a group for the same range
 * share a part, as long as its symbols stay within the bound: a group asks a provider once for what a
 * coordinator said in pieces. The most urgent jobs come first; each symbol stands once in a part.
 */
export function cutAlongGroups(
  jobs: readonly CuttableJob[],
  symbolGroups: number,
  maxSymbols: number,
): JobPart[] {
  const parts: OpenPart[] = [];
  const open = new Map<string, OpenPart>();
  for (const job of jobs.toSorted((a, b) => a.priority - b.priority)) {
    for (const [group, symbols] of symbolsByGroup(job.symbols, symbolGroups)) {
      const { startMs, endMs, priority } = job;
      const key = `${group}:${startMs}:${endMs}`;
      const known = open.get(key);
      const added = known === undefined ? symbols : symbols.filter(isNotIn(known.symbols));
      if (known !== undefined && known.symbols.length + added.length <= maxSymbols) {
        known.jobs.push(job.id);
        known.symbols.push(...added);
        continue;
      }
      const part = { id: job.id, jobs: [job.id], group, startMs, endMs, symbols, priority };
      open.set(key, part);
      parts.push(part);
    }
  }
  return parts;
}

function isNotIn(symbols: readonly string[]): (symbol: string) => boolean {
  const known = new Set(symbols);
  return (symbol) => !known.has(symbol);
}

function symbolsByGroup(symbols: readonly string[], symbolGroups: number): Map<number, string[]> {
  const byGroup = new Map<number, string[]>();
  for (const symbol of symbols) {
    const group = groupOf(symbol, symbolGroups);
    const known = byGroup.get(group);
    if (known === undefined) byGroup.set(group, [symbol]);
    else known.push(symbol);
  }
  return byGroup;
}
