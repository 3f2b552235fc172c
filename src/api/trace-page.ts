import type { StoredTrace, TraceSpan } from "../contracts/trace.ts";
import { type FlameFrame, flameFrames } from "../domain/flame-frames.ts";
import { readingOrder, type TraceNode, traceTrees } from "../domain/trace-tree.ts";
import { FLAME_SCRIPT, FLAME_STYLE } from "./flame-script.ts";
import { escapeHtml } from "./escape-html.ts";
import { TRACE_STYLE } from "./trace-style.ts";
import { traceHeadView } from "./trace-view.ts";

/** A frame shorter than this share of the whole is drawn with it: one of 0 ms would not be seen. */
const LEAST_SHARE = 1 / 400;

/** A frame as the library takes it: `value` is its own time, those of the frames below come on top. */
interface DrawnFrame {
  readonly name: string;
  readonly text: string;
  readonly value: number;
  readonly children: readonly DrawnFrame[];
}

/** What a page of one trace may do: run its own scripts, of this nonce; it loads nothing. */
export function tracePagePolicy(nonce: string): string {
  return `default-src 'none'; script-src 'nonce-${nonce}'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;
}

/**
 * A trace as a page that is complete in itself: the flame graph, which says where the time went, and the spans
 * one by one with when they ran. Without scripts the second is there all the same.
 */
export function tracePage(trace: StoredTrace, nonce: string): string {
  const { id, label, begun, ms, spans, dropped } = traceHeadView(trace);
  const trees = traceTrees(trace.all);
  const title = escapeHtml(label ?? "unfinished trace");
  const lost = dropped === 0 ? "" : `, ${dropped} more were not kept`;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title><style>${FLAME_STYLE}${TRACE_STYLE}</style></head><body>
<h1>${title}</h1>
<p>${begun}, ${ms} ms, ${spans} spans${lost}. <code>${id}</code></p>
<h2>Where the time went</h2>
<div id="graph"></div>
<p class="note">The width of a frame is its own time and that of the frames below it; what ran at the same time adds up.
Click a frame to look into it. On the edge the clock moves with input and output only: computing counts to what comes next.</p>
<h2>When it ran</h2>
<table><thead><tr><th>Span</th><th>Where</th><th>From, ms</th><th>Took, ms</th><th class="bar"></th></tr></thead>
<tbody>${readingOrder(trees)
    .map((node) => row(node, trace))
    .join("\n")}</tbody></table>
<script type="application/json" id="frames">${asJson(drawnRoot(trees, trace))}</script>
<script nonce="${nonce}">${FLAME_SCRIPT}</script>
<script nonce="${nonce}">${DRAW}</script>
</body></html>
`;
}

/** Draws the graph at the width of the page, also of one that is turned or made wider; only looking into it moves. */
const DRAW = `(() => {
  const box = document.getElementById("graph");
  const text = document.getElementById("frames").textContent;
  const draw = () => {
    box.replaceChildren();
    const chart = flame.flamegraph().width(box.clientWidth).cellHeight(22).inverted(true).selfValue(true)
      .sort(false).minFrameSize(1).transitionDuration(0);
    chart.setLabelHandler((frame) => frame.data.text);
    flame.select(box).datum(JSON.parse(text)).call(chart);
    // The library lets the frames grow whatever is set; a page that is printed or photographed would miss them.
    flame.select(box).selectAll("rect").interrupt()
      .attr("width", (frame) => (frame.x1 - frame.x0) * box.clientWidth);
    chart.transitionDuration(200);
  };
  addEventListener("resize", draw);
  draw();
})();`;

function drawnRoot(trees: readonly TraceNode<TraceSpan>[], trace: StoredTrace): DrawnFrame {
  const leastMs = Math.max(trace.endedMs - trace.begunMs, 1) * LEAST_SHARE;
  const drawn = flameFrames(trees).map((frame) => drawnFrame(frame, leastMs));
  const [only, ...others] = drawn;
  if (only !== undefined && others.length === 0) return only;
  return { name: "trace", text: "parts whose beginning is not here", value: 0, children: drawn };
}

function drawnFrame(frame: FlameFrame, leastMs: number): DrawnFrame {
  const { label, at, count, ms, selfMs, children } = frame;
  const times = count === 1 ? "" : ` x${count}`;
  return {
    name: `${label}${times} (${at})`,
    text: `${label}${times} in ${at}: ${ms} ms, ${selfMs} ms of its own`,
    value: Math.max(selfMs, leastMs),
    children: children.map((child) => drawnFrame(child, leastMs)),
  };
}

function row({ span, depth }: TraceNode<TraceSpan>, { begunMs, endedMs }: StoredTrace): string {
  const { label, at, startMs, endMs, failed } = span;
  const wholeMs = Math.max(endedMs - begunMs, 1);
  const left = (((startMs - begunMs) / wholeMs) * 100).toFixed(2);
  const width = (((endMs - startMs) / wholeMs) * 100).toFixed(2);
  const fault = failed === undefined ? "" : ` <b>${escapeHtml(failed)}</b>`;
  return `<tr><td style="padding-left:${depth + 0.5}em">${escapeHtml(label)}${fault}</td><td>${escapeHtml(at)}</td><td>${
    startMs - begunMs
  }</td><td>${endMs - startMs}</td><td><i style="margin-left:${left}%;width:${width}%"></i></td></tr>`;
}

/** JSON inside of a script element: no text of it can end the element. */
function asJson(value: DrawnFrame): string {
  return JSON.stringify(value).replaceAll("<", String.raw`\u003c`);
}
