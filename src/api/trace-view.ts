import { z } from "@hono/zod-openapi";
import type { StoredTrace, TraceHead } from "../contracts/trace.ts";
import { toIso } from "../domain/time.ts";
import { threadsOf } from "../domain/trace-threads.ts";

/** A stored trace in the list. */
export const traceHeadSchema = z.object({
  id: z.string(),
  label: z.string().nullable().describe("Of its first span; null while that is still running"),
  begun: z.iso.datetime(),
  ms: z.number().describe("From the first beginning to the last end of a span"),
  spans: z.number().int(),
  dropped: z.number().int().describe("Spans that were too many to be kept"),
});

/** Of Chrome's trace event format: complete events, and the names of their processes. */
const traceEventSchema = z.object({
  ph: z.enum(["X", "M"]),
  name: z.string(),
  cat: z.string(),
  pid: z.number().int(),
  tid: z.number().int(),
  ts: z.number().describe("Microseconds"),
  dur: z.number().describe("Microseconds"),
  args: z.record(z.string(), z.string()),
});

/** A trace as `chrome://tracing`, Perfetto and Speedscope open it. */
export const chromeTraceSchema = z.object({
  displayTimeUnit: z.literal("ms"),
  otherData: z.record(z.string(), z.string()),
  traceEvents: z.array(traceEventSchema),
});
type ChromeTrace = z.infer<typeof chromeTraceSchema>;

/** A trace as the list has it. */
export function traceHeadView(head: TraceHead): z.infer<typeof traceHeadSchema> {
  const { id, label, begunMs, endedMs, spans, dropped } = head;
  return { id, label, begun: toIso(begunMs), ms: endedMs - begunMs, spans, dropped };
}

/**
 * A trace in Chrome's trace event format: a process for each place, on it as many threads as ran there at a
 * time. Source: "Trace Event Format", complete events and metadata events.
 */
export function chromeTrace(trace: StoredTrace): ChromeTrace {
  const traceEvents: ChromeTrace["traceEvents"] = [];
  const places = Map.groupBy(trace.all, ({ at }) => at);
  for (const [at, spans] of places) {
    const pid = traceEvents.filter(({ ph }) => ph === "M").length + 1;
    const named = { ph: "M" as const, name: "process_name", cat: "__metadata", ts: 0, dur: 0 };
    traceEvents.push({ ...named, pid, tid: 0, args: { name: at } });
    const threads = threadsOf(spans);
    for (const { id, parent, label, startMs, endMs, failed } of spans) {
      traceEvents.push({
        ph: "X",
        name: label,
        cat: at,
        pid,
        tid: threads.get(id) ?? 0,
        ts: startMs * 1_000,
        dur: (endMs - startMs) * 1_000,
        args: {
          id,
          ...(parent === null ? {} : { parent }),
          ...(failed === undefined ? {} : { failed }),
        },
      });
    }
  }
  const { label, ...times } = traceHeadView(trace);
  const otherData = Object.fromEntries(
    Object.entries({ ...times, label: label ?? "" }).map(([name, value]) => [name, String(value)]),
  );
  return { displayTimeUnit: "ms", otherData, traceEvents };
}
