/** A minute bar as a rollup sees it. */
export interface MinuteBar {
  readonly symbol: string;
  readonly ts: number;
  readonly open: number;
  readonly high: number;
  readonly low: number;
  readonly close: number;
  readonly volume: number;
  readonly vwap: number | null;
  readonly tradeCount: number | null;
  readonly asOfMs: number;
  readonly session: string;
}

/** A bucket of minute bars, worked out one bar after the other. */
export interface NaiveRollup extends MinuteBar {
  readonly bars: number;
}

/** Rolls minute bars up by symbol, session and clock-aligned bucket; ordered by symbol, start and session. */
export function naiveRollup(bars: readonly MinuteBar[], widthMs: number): NaiveRollup[] {
  const buckets = new Map<string, MinuteBar[]>();
  for (const bar of bars.toSorted((a, b) => a.ts - b.ts)) {
    const start = bar.ts - (bar.ts % widthMs);
    const key = `${bar.symbol} ${String(start).padStart(14, "0")} ${bar.session}`;
    buckets.set(key, [...(buckets.get(key) ?? []), bar]);
  }
  return [...buckets]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([, members]) => bucketOf(members, widthMs));
}

function bucketOf(members: readonly MinuteBar[], widthMs: number): NaiveRollup {
  const first = members[0];
  const last = members.at(-1);
  if (first === undefined || last === undefined) throw new Error("an empty bucket");
  let volume = 0;
  let notional = 0;
  let tradeCount: number | null = null;
  for (const bar of members) {
    volume += bar.volume;
    notional += (bar.vwap ?? bar.close) * bar.volume;
    if (bar.tradeCount !== null) tradeCount = (tradeCount ?? 0) + bar.tradeCount;
  }
  return {
    symbol: first.symbol,
    ts: first.ts - (first.ts % widthMs),
    open: first.open,
    high: Math.max(...members.map((bar) => bar.high)),
    low: Math.min(...members.map((bar) => bar.low)),
    close: last.close,
    volume,
    vwap: volume > 0 ? notional / volume : last.close,
    tradeCount,
    asOfMs: Math.max(...members.map((bar) => bar.asOfMs)),
    session: first.session,
    bars: members.length,
  };
}
