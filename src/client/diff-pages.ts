import type { EpochMs } from "../domain/time.ts";
import { type BarPage, readBarPages } from "./bar-rows.ts";
import type { BarEvent } from "./events.ts";
import type { PageReading } from "./read-page.ts";
import type { Selection } from "./selection.ts";

/** Beliefs that became known in the same ms are delivered together; more than these are no flush's. */
const MAX_WAITING_BARS = 200_000;

/** One diff for each channel, all over the same span of knowledge time, which ends at `untilMs`. */
export interface DiffPlan {
  readonly urls: ReadonlyMap<BarEvent["channel"], URL>;
  readonly untilMs: EpochMs;
}

/** Bars of a hand-off: all that became known since the part before, up to and with `untilMs`. */
export interface HandedBars {
  readonly bars: readonly BarEvent[];
  readonly untilMs: EpochMs;
}

interface Source {
  readonly pages: AsyncGenerator<BarPage>;
  lastAsOf: number;
  isDone: boolean;
}

/**
 * The beliefs of a plan, merged by knowledge time. A part ends between two knowledge times, never within
 * one, so that what was delivered can be named by a time alone, and a broken hand-off goes on from there.
 */
export async function* readDiff(
  { urls, untilMs }: DiffPlan,
  selection: Selection,
  reading: PageReading,
): AsyncGenerator<HandedBars> {
  const sources = Array.from(urls, ([channel, url]): Source => {
    const pages = readBarPages(url, { channel, via: "handoff", selection }, reading);
    return { pages, lastAsOf: -Infinity, isDone: false };
  });
  let waiting: BarEvent[] = [];
  for (;;) {
    const open = sources.filter(({ isDone }) => !isDone);
    const [behind] = open.toSorted((a, b) => a.lastAsOf - b.lastAsOf);
    if (behind === undefined) break;
    const page = await behind.pages.next();
    if (page.done === true) behind.isDone = true;
    else {
      waiting = [...waiting, ...page.value.bars];
      behind.lastAsOf = Math.max(behind.lastAsOf, page.value.lastAsOf);
    }
    if (waiting.length > MAX_WAITING_BARS) throw new Error("a diff has no end of one moment");
    const complete = Math.min(
      untilMs,
      ...sources.map((source) => (source.isDone ? Infinity : source.lastAsOf - 1)),
    );
    const ready = waiting.filter((bar) => bar.asOf <= complete);
    waiting = waiting.filter((bar) => bar.asOf > complete);
    if (ready.length > 0) yield { bars: inOrder(ready), untilMs: complete };
  }
  yield { bars: inOrder(waiting.filter((bar) => bar.asOf <= untilMs)), untilMs };
}

function inOrder(bars: readonly BarEvent[]): BarEvent[] {
  return bars.toSorted((a, b) => a.asOf - b.asOf);
}
