import type { EpochMs } from "./time.ts";

/** What the tree of a trace is made of: spans that name their parents. */
export interface TimedSpan {
  readonly id: string;
  readonly parent: string | null;
  readonly startMs: EpochMs;
  readonly endMs: EpochMs;
}

/** A span in its tree; `selfMs` is the part of its time in which none of its children ran. */
export interface TraceNode<Span extends TimedSpan> {
  readonly span: Span;
  readonly depth: number;
  readonly selfMs: number;
  readonly children: readonly TraceNode<Span>[];
}

/**
 * The spans of a trace as trees, siblings by their beginning. One tree when nothing was lost: a span whose
 * parent is not there stands at the top as well.
 */
export function traceTrees<Span extends TimedSpan>(spans: readonly Span[]): TraceNode<Span>[] {
  const known = new Set(spans.map(({ id }) => id));
  const children = Map.groupBy(spans.toSorted(byBeginning), ({ id, parent }) =>
    parent === null || parent === id || !known.has(parent) ? null : parent,
  );
  // Each span has one parent, so each is come to once, and a ring of parents never.
  const nodeOf = (span: Span, depth: number): TraceNode<Span> => {
    const below = (children.get(span.id) ?? []).map((child) => nodeOf(child, depth + 1));
    return { span, depth, selfMs: selfMsOf(span, below), children: below };
  };
  return (children.get(null) ?? []).map((root) => nodeOf(root, 0));
}

/** The nodes of trees in the order in which they are read: each behind its parent. */
export function readingOrder<Span extends TimedSpan>(
  trees: readonly TraceNode<Span>[],
): TraceNode<Span>[] {
  return trees.flatMap((node) => [node, ...readingOrder(node.children)]);
}

function selfMsOf(span: TimedSpan, children: readonly { readonly span: TimedSpan }[]): number {
  let coveredMs = 0;
  let reachedMs = span.startMs;
  for (const child of children) {
    const fromMs = Math.max(child.span.startMs, reachedMs);
    const toMs = Math.min(child.span.endMs, span.endMs);
    coveredMs += Math.max(toMs - fromMs, 0);
    reachedMs = Math.max(reachedMs, toMs);
  }
  return Math.max(span.endMs - span.startMs - coveredMs, 0);
}

function byBeginning(a: TimedSpan, b: TimedSpan): number {
  return a.startMs - b.startMs || b.endMs - a.endMs || (a.id < b.id ? -1 : 1);
}
