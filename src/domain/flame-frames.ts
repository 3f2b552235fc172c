import type { TimedSpan, TraceNode } from "./trace-tree.ts";

/** A span that a flame graph shows: what it is called, and where it ran. */
interface NamedSpan extends TimedSpan {
  readonly label: string;
  readonly at: string;
}

/** A frame of a flame graph: all spans of one label and place below one frame. */
export interface FlameFrame {
  readonly label: string;
  readonly at: string;
  readonly count: number;
  /** Of all its spans together; those that ran at the same time add up. */
  readonly ms: number;
  readonly selfMs: number;
  readonly children: readonly FlameFrame[];
}

/** The frames of trees of spans: siblings that are called the same and ran in the same place are one. */
export function flameFrames(nodes: readonly TraceNode<NamedSpan>[]): FlameFrame[] {
  const groups = Map.groupBy(nodes, ({ span }) => JSON.stringify([span.label, span.at]));
  return [...groups.values()].flatMap((same) => {
    const [first] = same;
    if (first === undefined) return [];
    const sum = (valueOf: (node: TraceNode<NamedSpan>) => number) =>
      same.reduce((total, node) => total + valueOf(node), 0);
    return {
      label: first.span.label,
      at: first.span.at,
      count: same.length,
      ms: sum(({ span }) => span.endMs - span.startMs),
      selfMs: sum(({ selfMs }) => selfMs),
      children: flameFrames(same.flatMap(({ children }) => children)),
    };
  });
}
