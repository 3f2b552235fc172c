/** What a benchmark found, by name: a figure, or those of one of its routes. */
export type Figures = Readonly<Record<string, number | Readonly<Record<string, number>>>>;

/** How a benchmark is run: `quick` is a small version of it; `say` tells what it does and finds on the way. */
export interface BenchOptions {
  readonly quick: boolean;
  readonly say: (line: string) => void;
}

/** The middle of some values. */
export function median(values: readonly number[]): number {
  return percentile(values, 0.5);
}

/** The value below which a share of the values lies, by nearest rank. */
export function percentile(values: readonly number[], share: number): number {
  const rank = Math.max(Math.ceil(share * values.length), 1);
  return values.toSorted((a, b) => a - b)[rank - 1] ?? Number.NaN;
}

/** A figure with one digit behind the point. */
export function rounded(value: number): number {
  return Math.round(value * 10) / 10;
}

/** Runs `act` so often, the first `warmUps` times to warm up; answers what each of the others took, ms. */
export async function timesOf(
  times: number,
  act: (index: number) => Promise<unknown>,
  warmUps = 1,
): Promise<number[]> {
  const results: number[] = [];
  for (let index = 0; index < times + warmUps; index += 1) {
    const startMs = performance.now();
    await act(index);
    if (index >= warmUps) results.push(performance.now() - startMs);
  }
  return results;
}
