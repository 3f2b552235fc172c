/**
 * Quantile of a Prometheus histogram over all its label sets, interpolated inside the bucket as
 * `histogram_quantile` does; null when it counted nothing.
 */
export function histogramQuantile(
  exposition: string,
  name: string,
  quantile: number,
): number | null {
  const counts = new Map<number, number>();
  for (const line of exposition.split("\n")) {
    const match = /^(\w+)_bucket\{.*le="([^"]+)"\} (\d+)$/.exec(line);
    if (match?.[1] !== name) continue;
    const bound = match[2] === "+Inf" ? Infinity : Number(match[2]);
    counts.set(bound, (counts.get(bound) ?? 0) + Number(match[3]));
  }
  const buckets = [...counts].toSorted(([a], [b]) => a - b);
  const total = buckets.at(-1)?.[1] ?? 0;
  if (total === 0) return null;
  const rank = quantile * total;
  let below = 0;
  let lower = 0;
  for (const [bound, cumulative] of buckets) {
    if (cumulative >= rank) {
      if (!Number.isFinite(bound)) return lower;
      return lower + ((bound - lower) * (rank - below)) / Math.max(cumulative - below, 1);
    }
    below = cumulative;
    lower = bound;
  }
  return lower;
}

/** A counter summed by some of its labels, as `first second` to the sum; zeros are left out. */
export function sumByLabels(
  exposition: string,
  name: string,
  labels: readonly string[],
): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const line of exposition.split("\n")) {
    const match = /^(\w+)\{(.*)\} (\d+)$/.exec(line);
    const text = match?.[2];
    if (match?.[1] !== name || text === undefined) continue;
    const values = new Map(
      [...text.matchAll(/(\w+)="([^"]*)"/g)].map(([, key, value]) => [key, value]),
    );
    const key = labels.map((label) => values.get(label) ?? "").join(" ");
    const count = Number(match[3]);
    if (count > 0) sums[key] = (sums[key] ?? 0) + count;
  }
  return sums;
}

/** A counter summed over all its label sets; 0 when the exposition does not have it. */
export function counterTotal(exposition: string, name: string): number {
  let total = 0;
  for (const line of exposition.split("\n")) {
    const match = /^(\w+)(?:\{.*\})? (\d+)$/.exec(line);
    if (match?.[1] === name) total += Number(match[2]);
  }
  return total;
}
