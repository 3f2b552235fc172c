import type { DirectRuntime } from "./direct-runtime.ts";
import { type BenchOptions, type Figures, median, rounded, timesOf } from "./figures.ts";
import { TRACE_PATH, type TraceMode } from "./trace-modes.ts";

const ROUNDS = 5;
const REQUEST_TIMEOUT_MS = 60_000;
const NS_PER_MS = 1_000_000;
const CALLS = { bare: 50_000_000, off: 50_000_000, on: 200_000, outside: 20_000_000 } as const;
const QUICK_SHARE = 0.2;

/**
 * What a call by `maybeTrace` costs, ns, beside a bare one. In this order: a runtime that has traced once looks for
 * a trace at every call.
 */
export async function benchTrace(
  { url }: DirectRuntime,
  { quick }: BenchOptions,
): Promise<Figures> {
  const nsOf = async (mode: TraceMode) => {
    const calls = CALLS[mode] * (quick ? QUICK_SHARE : 1);
    const askedMs = median(await timesOf(ROUNDS, () => ask(url, mode, 0)));
    const calledMs = median(await timesOf(ROUNDS, () => ask(url, mode, calls)));
    return ((calledMs - askedMs) / calls) * NS_PER_MS;
  };
  const bare = await nsOf("bare");
  const off = await nsOf("off");
  const on = await nsOf("on");
  const outside = await nsOf("outside");
  return {
    bare_ns: rounded(bare),
    off_ns: rounded(off),
    off_more_ns: rounded(off - bare),
    outside_ns: rounded(outside),
    on_ns: rounded(on),
  };
}

async function ask(url: string, mode: TraceMode, calls: number): Promise<void> {
  const address = `${url}${TRACE_PATH}?mode=${mode}&calls=${calls}`;
  const response = await fetch(address, { signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS) });
  if (!response.ok) throw new Error(`${address}: ${response.status} ${await response.text()}`);
  await response.arrayBuffer();
}
