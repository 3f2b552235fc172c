import type { TimedSpan } from "./trace-tree.ts";

/**
 * The spans of one place on threads on which they only follow or contain each other, as a trace viewer needs
 * them: the number of each span's thread, from 0, by its id. As few threads as come by taking the first that
 * fits.
 */
export function threadsOf(spans: readonly TimedSpan[]): Map<string, number> {
  const threads: number[][] = [];
  const threadOf = new Map<string, number>();
  const inOrder = spans.toSorted((a, b) => a.startMs - b.startMs || b.endMs - a.endMs);
  for (const { id, startMs, endMs } of inOrder) {
    const found = threads.findIndex((running) => {
      while ((running.at(-1) ?? Infinity) <= startMs) running.pop();
      return (running.at(-1) ?? Infinity) >= endMs;
    });
    const thread = found === -1 ? threads.push([]) - 1 : found;
    threads[thread]?.push(endMs);
    threadOf.set(id, thread);
  }
  return threadOf;
}
