import { describe, expect, it } from "vitest";
import { MAX_PART_SPANS, type TraceBatch, traceBatchSchema } from "../../../src/contracts/trace.ts";
import { traceTrees, type TraceNode } from "../../../src/domain/trace-tree.ts";
import { beginTrace, callOrigin, joinTrace, maybeTrace } from "../../../src/platform/trace.ts";
import { TracePart } from "../../../src/platform/trace-part.ts";

/** A place whose batches are kept, each held against its contract. */
class Place {
  readonly batches: TraceBatch[] = [];
  readonly at: string;
  readonly alone: "kept" | "dropped";

  constructor(at = "here", alone: "kept" | "dropped" = "kept") {
    this.at = at;
    this.alone = alone;
  }

  readonly send = (batch: TraceBatch) => {
    this.batches.push(traceBatchSchema.parse(batch));
  };
}

const spansOf = (...places: Place[]) =>
  places.flatMap(({ batches }) => batches.flatMap(({ spans }) => spans));

type Span = TraceBatch["spans"][number];
const textOf = ({ span, children }: TraceNode<Span>): string =>
  `${span.label}@${span.at}${children.length === 0 ? "" : `(${children.map(textOf).toSorted().join(" ")})`}`;
const treeOf = (...places: Place[]) => traceTrees(spansOf(...places)).map(textOf);

const turn = () => new Promise<void>((resolve) => queueMicrotask(resolve));

describe("maybeTrace", () => {
  it("outside of a trace just runs, gives what it got and throws what was thrown", async () => {
    expect(maybeTrace("a", () => 5)).toBe(5);
    const promise = Promise.resolve(6);
    expect(maybeTrace("a", () => promise)).toBe(promise);
    expect(() =>
      maybeTrace("a", () => {
        throw new RangeError("no");
      }),
    ).toThrow("no");
    await expect(maybeTrace("a", () => Promise.reject(new Error("later")))).rejects.toThrow(
      "later",
    );
    expect(callOrigin()).toEqual({});
  });

  it("nests by what runs in what, over awaits and beside others", async () => {
    const place = new Place();
    const leaf = (label: string) => maybeTrace(label, turn);
    await beginTrace(place, "root", async () => {
      await Promise.all([
        maybeTrace("a", async () => {
          await turn();
          await leaf("a1");
          await leaf("a2");
        }),
        maybeTrace("b", () => leaf("b1")),
      ]);
      expect(maybeTrace("sync", () => maybeTrace("inner", () => 7))).toBe(7);
    });
    expect(treeOf(place)).toEqual([
      "root@here(a@here(a1@here a2@here) b@here(b1@here) sync@here(inner@here))",
    ]);
    expect(place.batches).toHaveLength(1);
  });

  it("marks what failed by its kind, without its text, and still throws it", async () => {
    const place = new Place();
    await beginTrace(place, "root", async () => {
      await expect(
        maybeTrace("late", () => Promise.reject(new TypeError("secret"))),
      ).rejects.toThrow("secret");
      expect(() =>
        maybeTrace("now", () => {
          throw new RangeError("secret");
        }),
      ).toThrow("secret");
    });
    const failed = Object.fromEntries(spansOf(place).map((span) => [span.label, span.failed]));
    expect(failed).toEqual({ late: "TypeError", now: "RangeError", root: undefined });
    expect(JSON.stringify(place.batches)).not.toContain("secret");
  });
});

describe("a trace over several parts", () => {
  it("is one tree by what was sent along with the calls", async () => {
    const [worker, runner, group] = [new Place("worker"), new Place("runner"), new Place("g05")];
    const ingest = (origin: object) => joinTrace(Reflect.get(origin, "trace"), group, "in", turn);
    await beginTrace(worker, "cron", () =>
      maybeTrace("call", async () => {
        const origin = structuredClone(callOrigin("job-1"));
        expect(origin.job).toBe("job-1");
        await joinTrace(origin.trace, runner, "run", async () => {
          await maybeTrace("http", turn);
          await ingest(structuredClone(callOrigin()));
        });
      }),
    );
    expect(treeOf(worker, runner, group)).toEqual([
      "cron@worker(call@worker(run@runner(http@runner in@g05)))",
    ]);
    expect(
      new Set([worker, runner, group].flatMap((p) => p.batches.map((b) => b.trace))).size,
    ).toBe(1);
  });

  it("is left out by a callee that was told of none, or of something else", () => {
    const place = new Place();
    for (const from of [undefined, null, "x", { trace: "0", span: "1" }, { trace: 5 }])
      expect(joinTrace(from, place, "a", () => callOrigin())).toEqual({});
    expect(place.batches).toEqual([]);
  });

  it("is handed over when unawaited work has ended, too, and again when work goes on", async () => {
    const place = new Place();
    let release = () => {};
    const held = new Promise<void>((resolve) => (release = resolve));
    let late: Promise<void> = Promise.resolve();
    beginTrace(place, "root", () => {
      late = maybeTrace("background", () => held).then(() => maybeTrace("after", turn));
    });
    expect(place.batches).toEqual([]);
    release();
    await late;
    await turn();
    expect(place.batches.map(({ spans }) => spans.map(({ label }) => label))).toEqual([
      ["root", "background"],
      ["after"],
    ]);
    expect(treeOf(place)).toEqual(["root@here(after@here background@here)"]);
  });
});

describe("the bounds of a part", () => {
  it("keep the first spans and count the others, whose children hang from what was kept", () => {
    const place = new Place();
    const more = 20;
    beginTrace(place, "root", () => {
      for (let index = 1; index < MAX_PART_SPANS + more; index += 1)
        maybeTrace(`s${index}`, () => maybeTrace("inner", () => {}));
    });
    const [batch] = place.batches;
    expect(batch?.spans).toHaveLength(MAX_PART_SPANS);
    expect(batch?.dropped).toBe(1 + 2 * (MAX_PART_SPANS + more - 1) - MAX_PART_SPANS);
    expect(traceTrees(batch?.spans ?? [])).toHaveLength(1);
  });

  it("cut a label", () => {
    const place = new Place();
    beginTrace(place, "x".repeat(500), () => {});
    expect(spansOf(place)[0]?.label).toHaveLength(100);
  });

  it("drop a trace of a single span where that is not worth one", () => {
    const place = new Place("here", "dropped");
    beginTrace(place, "alarm", () => {});
    expect(place.batches).toEqual([]);
    beginTrace(place, "alarm", () => maybeTrace("work", () => {}));
    expect(spansOf(place)).toHaveLength(2);
  });

  it("let a failure to hand over disturb nobody", () => {
    const send = () => {
      throw new Error("no hub");
    };
    const part = new TracePart({ trace: "0".repeat(32), at: "here", send, alone: "kept" });
    const span = part.begin("a", null);
    if (span === null) throw new Error("no span");
    expect(() => part.end(span)).not.toThrow();
  });
});
