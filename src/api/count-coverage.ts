import type { CoverageCell, CoverageWindow } from "../contracts/coverage.ts";
import type { TradingSession } from "../domain/calendar.ts";
import { type Coverage, owedPart } from "../domain/coverage.ts";
import { groupOf } from "../domain/symbol.ts";
import type { EpochMs, TimeRange } from "../domain/time.ts";
import { symbolGroupStub } from "../platform/stubs.ts";
import { readStoredCoverage } from "../postgres/coverage-store.ts";
import type { SqlClient } from "../postgres/sql-client.ts";

/** A symbol in a session, or in the part of it that was asked for. */
export interface CoverageQuestion {
  readonly symbol: string;
  readonly session: TradingSession;
  readonly window: TimeRange;
}

/** What is known of it; `sinceMs` null: it is owed no minutes. */
export interface CoverageRow extends CoverageQuestion {
  readonly sinceMs: EpochMs | null;
  readonly coverage: Coverage;
}

/** What counting needs: where the groups and the database are. */
export interface CountCoverageDeps {
  readonly env: Env;
  readonly sql: SqlClient;
  readonly symbolGroups: number;
  /** Before it no minute is kept: it is unknown, whatever the symbol is owed. */
  readonly keptFromMs: EpochMs;
}

/**
 * The coverage of each question in their order, without those about symbols that no group knows. A
 * group counts what it has beliefs of and says since when a symbol is owed minutes; older sessions,
 * and what is not owed, are counted in Postgres. Rejects when a group or the database does not answer.
 */
export async function countCoverage(
  questions: readonly CoverageQuestion[],
  { env, sql, symbolGroups, keptFromMs }: CountCoverageDeps,
): Promise<CoverageRow[]> {
  const home = (symbol: string): number => groupOf(symbol, symbolGroups);
  const byGroup = Map.groupBy(questions, ({ symbol }) => home(symbol));
  const answers = await Promise.all(
    [...byGroup].map(([group, own]) => symbolGroupStub(env, group).coverage(windowsOf(own))),
  );
  const cells = new Map(answers.flat().map((cell) => [keyOf(cell.symbol, cell.startMs), cell]));
  const known = questions.flatMap((question) => {
    const cell = cells.get(keyOf(question.symbol, question.window.startMs));
    return cell === undefined ? [] : [{ question, cell }];
  });
  const older = known.filter(({ cell }) => cell.coverage === null);
  const stored = await readStoredCoverage(
    sql,
    older.map(({ question: { symbol, window }, cell }) => ({
      symbol,
      group: home(symbol),
      knownFromMs: owedPart(window, keptFromMs).startMs,
      ...owedPart(window, cell.sinceMs === null ? null : Math.max(cell.sinceMs, keptFromMs)),
    })),
  );
  const fromPostgres = new Map<CoverageCell, Coverage | undefined>(
    older.map(({ cell }, index) => [cell, stored[index]]),
  );
  return known.flatMap(({ question, cell }) => {
    const coverage = cell.coverage ?? fromPostgres.get(cell);
    return coverage === undefined ? [] : [{ ...question, sinceMs: cell.sinceMs, coverage }];
  });
}

/** The questions to one group, session by session, so that it reads each minute once. */
function windowsOf(questions: readonly CoverageQuestion[]): CoverageWindow[] {
  const byStart = Map.groupBy(questions, ({ window }) => window.startMs);
  return [...byStart.values()].flatMap((same) => {
    const [first] = same;
    return first === undefined
      ? []
      : [{ ...first.window, symbols: same.map(({ symbol }) => symbol) }];
  });
}

function keyOf(symbol: string, startMs: EpochMs): string {
  return `${symbol} ${startMs}`;
}
