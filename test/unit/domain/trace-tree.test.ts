import { describe, expect, it } from "vitest";
import { flameFrames } from "../../../src/domain/flame-frames.ts";
import { threadsOf } from "../../../src/domain/trace-threads.ts";
import { readingOrder, traceTrees } from "../../../src/domain/trace-tree.ts";

/** A span from its text: `id<parent from-to`. */
function spanOf(text: string) {
  const [names = "", times = ""] = text.split(" ");
  const [id = "", parent] = names.split("<");
  const [startMs = 0, endMs = 0] = times.split("-").map(Number);
  return { id, parent: parent ?? null, startMs, endMs, label: id.replace(/\d/, ""), at: "here" };
}

const treesOf = (...texts: string[]) => traceTrees(texts.map(spanOf));
const shown = (...texts: string[]) =>
  readingOrder(treesOf(...texts)).map(
    ({ span, depth, selfMs }) => `${">".repeat(depth)}${span.id} ${selfMs}`,
  );

describe("the tree of a trace", () => {
  it("is one whatever order the spans of its parts came in, siblings by their beginning", () => {
    const inOrder = ["a 0-10", "b<a 1-4", "c<b 2-3", "d<a 5-9"];
    const expected = ["a 3", ">b 2", ">>c 1", ">d 4"];
    expect(shown(...inOrder)).toEqual(expected);
    expect(shown(...inOrder.toReversed())).toEqual(expected);
  });

  it("counts what children did at the same time once, and nothing that they did after the end", () => {
    expect(shown("a 0-10", "b<a 2-6", "c<a 4-8")[0]).toBe("a 4");
    expect(shown("a 0-10", "b<a 8-30")[0]).toBe("a 8");
    expect(shown("a 5-5", "b<a 5-30")[0]).toBe("a 0");
  });

  it("keeps a span at the top whose parent was lost, and comes to an end with a ring of parents", () => {
    expect(shown("b<gone 3-4", "a 0-10")).toEqual(["a 10", "b 1"]);
    expect(shown("a<a 0-1", "b<c 0-1", "c<b 0-1")).toEqual(["a 1"]);
  });
});

describe("the frames of a flame graph", () => {
  it("are the siblings of one label together, with what is below all of them", () => {
    const [root] = flameFrames(
      treesOf("a 0-20", "http1<a 0-5", "http2<a 3-8", "x<http1 1-2", "x2<http2 4-6"),
    );
    expect(root).toMatchObject({ label: "a", count: 1, ms: 20, selfMs: 12 });
    expect(root?.children).toMatchObject([{ label: "http", count: 2, ms: 10, selfMs: 7 }]);
    expect(root?.children[0]?.children).toMatchObject([{ label: "x", count: 2, ms: 3 }]);
  });
});

describe("the threads of a place", () => {
  it("hold spans that follow or contain each other, and no two that cross", () => {
    const spans = ["a 0-10", "b 2-4", "c 3-12", "d 12-13", "e 4-10"].map(spanOf);
    expect(Object.fromEntries(threadsOf(spans))).toEqual({ a: 0, b: 0, c: 1, d: 0, e: 0 });
  });
});
