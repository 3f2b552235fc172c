import { describe, expect, it } from "vitest";
import {
  type LogPosition,
  realign,
  type StoredPosition,
} from "../../../src/symbol-group/realign.ts";

const EPOCH = "0k3f9a2xqbbbbbb";
const EARLIER = "0k3f9a2xqaaaaaa";
const LATER = "0k3f9a2xqcccccc";

/** A log of flushes 41 to 60, known at 1,000 ms a flush, of which 50 are drained. */
const log = (change: Partial<LogPosition> = {}): LogPosition => ({
  epoch: EPOCH,
  drainedFs: 50,
  headFs: 60,
  oldestFs: 41,
  asOfMsOf: (fs) => (fs >= 41 && fs <= 60 ? fs * 1_000 : null),
  mayMiss: false,
  ...change,
});
const at = (fs: number, change: Partial<StoredPosition> = {}): StoredPosition => ({
  epoch: EPOCH,
  fs,
  asOfMs: fs * 1_000,
  ...change,
});

describe("a stream and Postgres that stand apart", () => {
  it("go on behind what an earlier try committed", () => {
    expect(realign(at(53), log())).toEqual({ kind: "skip", toFs: 53 });
    expect(realign(at(60), log())).toEqual({ kind: "skip", toFs: 60 });
    // A promise that was raised since lies above the flush's own knowledge time.
    expect(realign(at(53, { asOfMs: 53_900 }), log())).toEqual({ kind: "skip", toFs: 53 });
  });

  it("are brought together from the log when Postgres was set back", () => {
    expect(realign(at(45), log())).toEqual({ kind: "rewind", toFs: 45 });
    expect(realign(at(40), log())).toEqual({ kind: "rewind", toFs: 40 });
    expect(realign(null, log({ oldestFs: 1 }))).toEqual({ kind: "rewind", toFs: 0 });
    expect(realign(at(9, { epoch: EARLIER }), log({ oldestFs: 1 }))).toEqual({
      kind: "rewind",
      toFs: 0,
    });
  });

  it("need a new epoch when the log has dropped what Postgres lost", () => {
    for (const stored of [at(39), null, at(700, { epoch: EARLIER })])
      expect(realign(stored, log()).kind).toBe("renew");
    expect(realign(at(12), log({ oldestFs: null, headFs: 50 })).kind).toBe("renew");
  });

  it("need a new epoch when the object was set back and its numbers mean something else", () => {
    expect(realign(at(61), log()).kind).toBe("renew");
    expect(realign(at(55, { asOfMs: 54_999 }), log()).kind).toBe("renew");
    expect(realign(at(3, { epoch: LATER }), log()).kind).toBe("renew");
  });

  it("leave out what quotes may miss", () => {
    expect(realign(at(12), log({ mayMiss: true }))).toEqual({ kind: "rewind", toFs: 12 });
    expect(realign(null, log({ mayMiss: true }))).toEqual({ kind: "rewind", toFs: 0 });
    expect(realign(at(61), log({ mayMiss: true })).kind).toBe("renew");
  });
});
