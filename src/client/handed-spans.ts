import type { EpochMs } from "../domain/time.ts";

/** A span of knowledge time `(afterMs, untilMs]` of which every belief was fetched over HTTP. */
export interface HandedSpan {
  readonly afterMs: EpochMs;
  readonly untilMs: EpochMs;
}

/** Spans that follow each other merge, so a client that is handed off ever again keeps few. */
const MAX_SPANS = 64;

/** The spans with one more, which begins no earlier than the last of them; the oldest goes when there are too many. */
export function withSpan(spans: readonly HandedSpan[], added: HandedSpan): readonly HandedSpan[] {
  const last = spans.at(-1);
  if (added.untilMs <= added.afterMs) return spans;
  return last !== undefined && added.afterMs <= last.untilMs
    ? [...spans.slice(0, -1), { ...last, untilMs: Math.max(last.untilMs, added.untilMs) }]
    : [...spans, added].slice(-MAX_SPANS);
}

/** Whether what became known then was fetched already: knowledge time tells, for it never repeats in a stream. */
export function wasHanded(spans: readonly HandedSpan[], asOf: EpochMs): boolean {
  return spans.some(({ afterMs, untilMs }) => asOf > afterMs && asOf <= untilMs);
}
