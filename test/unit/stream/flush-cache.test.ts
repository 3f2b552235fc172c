import { describe, expect, it } from "vitest";
import { framesOf } from "../../../src/stream/flush-cache.ts";
import { MAX_FRAME_CHARS } from "../../../src/stream/frames.ts";
import {
  NO_SUBSCRIPTION,
  type StreamView,
  viewOf,
  withSymbols,
} from "../../../src/stream/subscription.ts";
import { flush, OPEN_MS, row } from "../../support/flushes.ts";

const ROWS = Array.from({ length: 300 }, (_, index) => row({ ts: OPEN_MS + index * 60_000 }));
const payloadOf = (fs: number) => JSON.stringify(flush(fs, { rows: ROWS }));

/** A view of everything that shares no frame with another. */
function viewNamed(key: string): StreamView {
  const view = viewOf(withSymbols(NO_SUBSCRIPTION, ["bars.1m"], "*"), "bars", []);
  if (view === null) throw new Error("the whole universe is something");
  return { ...view, key };
}

describe("the flushes of an isolate", () => {
  it("are read once and written out once a view", () => {
    const frames = framesOf(payloadOf(1));
    expect(framesOf(payloadOf(1))).toBe(frames);
    expect(frames.frame(viewNamed("a"))).toBe(frames.frame(viewNamed("a")));
    expect(frames.frame(viewNamed("b"))).not.toBe(frames.frame(viewNamed("a")));
  });

  it("are forgotten, the oldest first, when many views hold much of them", () => {
    const [oldest, middle, newest] = [2, 3, 4].map((fs) => framesOf(payloadOf(fs)));
    if (oldest === undefined || middle === undefined || newest === undefined) throw new Error();
    const { length } = oldest.frame(viewNamed("000")).text;
    const perFlush = Math.ceil((MAX_FRAME_CHARS * 0.4) / length);
    for (const frames of [oldest, middle, newest]) {
      for (let view = 0; view < perFlush; view += 1)
        frames.frame(viewNamed(String(view).padStart(3, "0")));
    }
    expect(framesOf(payloadOf(3))).toBe(middle);
    expect(framesOf(payloadOf(4))).toBe(newest);
    expect(framesOf(payloadOf(2))).not.toBe(oldest);
  });

  it("hold no more frames of one than all may have, and still give every one", () => {
    const frames = framesOf(payloadOf(5));
    const { text } = frames.frame(viewNamed("000"));
    const views = Math.ceil((MAX_FRAME_CHARS * 1.2) / text.length);
    for (let view = 0; view < views; view += 1)
      expect(frames.frame(viewNamed(String(view).padStart(3, "0"))).text).toBe(text);
    const last = viewNamed(String(views - 1).padStart(3, "0"));
    expect(frames.frame(last)).toBe(frames.frame(last));
    expect(frames.chars).toBeLessThanOrEqual(MAX_FRAME_CHARS);
    expect(frames.chars).toBeGreaterThan(MAX_FRAME_CHARS - 2 * text.length);
  });
});
