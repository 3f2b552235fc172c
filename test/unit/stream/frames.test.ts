import { describe, expect, it } from "vitest";
import { type Flush, flushSchema } from "../../../src/contracts/flush.ts";
import { QUOTE_COLUMNS } from "../../../src/contracts/quote-row.ts";
import {
  type Channel,
  type FlushFrame,
  flushFrameSchema,
  serverFrameSchema,
} from "../../../src/contracts/stream.ts";
import { createEpoch } from "../../../src/domain/epoch.ts";
import { flushFrame, FrameCache, snapshotFrame } from "../../../src/stream/frames.ts";
import {
  classesOf,
  countSids,
  NO_SUBSCRIPTION,
  type StreamView,
  viewOf,
  type Subscription,
  withoutSymbols,
  withSymbols,
} from "../../../src/stream/subscription.ts";
import { flush, gap, OPEN_MS, row } from "../../support/flushes.ts";
import { quoteOf, quoteRow } from "../../support/quotes.ts";

const EPOCH = createEpoch(OPEN_MS, () => 0.5);
const ROSTER = [
  { symbol: "AAPL", sid: 3 },
  { symbol: "KO", sid: 70 },
  { symbol: "MSFT", sid: 5_000 },
];
const STAR = viewOf(withSymbols(NO_SUBSCRIPTION, ["bars.1m"], "*"), "bars", ROSTER);

function viewFor(
  sids: readonly number[],
  firstOnly = false,
  channels: readonly Channel[] = ["bars.1m"],
): StreamView {
  const [streamClass = "bars"] = classesOf(channels);
  const subscription = { ...withSymbols(NO_SUBSCRIPTION, channels, sids), firstOnly };
  const view = viewOf(subscription, streamClass, ROSTER);
  if (view === null) throw new Error("nothing is wanted");
  return view;
}

function full(): Flush {
  return flushSchema.parse(
    flush(62, {
      epoch: EPOCH,
      rows: [row(), row({ symbol: "KO", revision: 1 }), row({ symbol: "MSFT" })],
      gaps: [gap("filled", 0, 1), gap("open", 3, 4, "KO")],
      source: [["bars_1m", "polygon/sip", "alpaca/sip", "timeout"]],
      man: [
        [OPEN_MS, "Bbm"],
        [OPEN_MS + 60_000, "bNp"],
      ],
      next: OPEN_MS + 125_000,
    }),
  );
}

function frameOf(view: StreamView, replayed = false): FlushFrame {
  return flushFrameSchema.parse(JSON.parse(flushFrame(full(), view, replayed).text));
}

describe("the frame of a flush", () => {
  it("carries only the view's own rows, gaps and counts", () => {
    const frame = frameOf(viewFor([3]));
    expect(frame.bars?.rows.map(([symbol]) => symbol)).toEqual(["AAPL"]);
    expect(frame.gaps?.map(([symbol]) => symbol)).toEqual(["AAPL"]);
    expect(frame.man).toEqual([[OPEN_MS, 1, 1, 0, 0, 0]]);
    expect(frame.source).toHaveLength(1);
  });

  it("carries everything for the whole universe, without what only storage needs", () => {
    if (STAR === null) throw new Error("the whole universe is something");
    const frame = frameOf(STAR, true);
    expect(frame.bars?.rows.map((bar) => bar.length)).toEqual([13, 13, 13]);
    expect(frame.bars?.cols).toHaveLength(13);
    expect(frame).toMatchObject({
      rp: 1,
      next: OPEN_MS + 125_000,
      man: [
        [OPEN_MS, 3, 2, 0, 1, 0],
        [OPEN_MS + 60_000, 3, 1, 1, 0, 1],
      ],
    });
  });

  it("is sent with its number even when nothing in it is the view's", () => {
    const empty = flush(63, { epoch: EPOCH, rows: [row()], man: [[OPEN_MS, "B--"]] });
    const frame = flushFrameSchema.parse(
      JSON.parse(flushFrame(empty, viewFor([5_000]), false).text),
    );
    expect(frame).toEqual({ op: "flush", g: "7b", e: EPOCH, fs: 63, at: empty.as_of });
  });

  it("leaves revisions out for a view of first bars only", () => {
    expect(frameOf(viewFor([3, 70], true)).bars?.rows.map(([symbol]) => symbol)).toEqual(["AAPL"]);
  });

  it("is shared by equal views and by no others", () => {
    const cache = new FrameCache(full());
    expect(cache.frame(viewFor([3]))).toBe(cache.frame(viewFor([3])));
    expect(cache.frame(viewFor([3])).text).not.toBe(cache.frame(viewFor([70])).text);
    expect(cache.frame(viewFor([3, 70])).text).not.toBe(cache.frame(viewFor([3, 70], true)).text);
  });
});

describe("the frame of a flush of daily bars", () => {
  const date = Date.UTC(2026, 2, 20);
  const daily = () =>
    flushSchema.parse(
      flush(64, { epoch: EPOCH, daily: [row({ ts: date }), row({ symbol: "KO", ts: date })] }),
    );
  const frameFor = (view: StreamView) =>
    flushFrameSchema.parse(JSON.parse(flushFrame(daily(), view, false).text));

  it("carries them under their own channel, for the symbols that were taken of it", () => {
    const { bars } = frameFor(viewFor([70], false, ["bars.1d"]));
    expect(bars?.ch).toBe("bars.1d");
    expect(bars?.rows.map(([symbol, ts]) => [symbol, ts])).toEqual([["KO", date]]);
  });

  it("is only its number for who takes minutes, as a flush of minutes is for who takes days", () => {
    expect(frameFor(viewFor([3, 70]))).toEqual({
      op: "flush",
      g: "7b",
      e: EPOCH,
      fs: 64,
      at: daily().as_of,
    });
    const minutes = frameOf(viewFor([3, 70], false, ["bars.1d"]));
    expect(minutes).toEqual({
      op: "flush",
      g: "7b",
      e: EPOCH,
      fs: 62,
      at: full().as_of,
      next: OPEN_MS + 125_000,
    });
  });
});

/** Symbols of the channel of minutes. */
function countOf(subscription: Subscription): number {
  return countSids(subscription.channels.get("bars.1m")?.sids ?? new Uint8Array(0));
}

describe("a subscription", () => {
  it("counts what was added and not taken away", () => {
    const one = ["bars.1m"] as const;
    const added = withSymbols(withSymbols(NO_SUBSCRIPTION, one, [1, 8, 9]), one, [9, 16_383]);
    expect(countOf(added)).toBe(4);
    expect(countOf(withoutSymbols(added, one, [8, 9, 20_000]))).toBe(2);
    expect(countOf(added)).toBe(4);
  });

  it("wants nothing of a home that has none of its symbols", () => {
    expect(viewOf(withSymbols(NO_SUBSCRIPTION, ["bars.1m"], [4]), "bars", ROSTER)).toBeNull();
    expect(viewOf(NO_SUBSCRIPTION, "bars", ROSTER)).toBeNull();
  });

  it("wants of a stream only what it took in that stream's channels", () => {
    const quotes = withSymbols(NO_SUBSCRIPTION, ["quotes"], [3]);
    expect(viewOf(quotes, "bars", ROSTER)).toBeNull();
    expect([...(viewOf(quotes, "quotes", ROSTER)?.channels.keys() ?? [])]).toEqual(["quotes"]);
  });

  it("keeps the symbols of each channel apart", () => {
    const minutes = withSymbols(NO_SUBSCRIPTION, ["bars.1m"], [3]);
    const both = withSymbols(withSymbols(minutes, ["bars.1d"], "*"), ["bars.1d", "bars.1m"], [70]);
    expect(countOf(both)).toBe(2);
    expect(both.channels.get("bars.1d")?.star).toBe(true);
    const left = withoutSymbols(both, ["bars.1d"], "*");
    expect([...left.channels.keys()]).toEqual(["bars.1m"]);
    expect(countOf(left)).toBe(2);
  });
});

describe("the frame of a flush of quotes", () => {
  const quotes = [
    quoteRow(),
    quoteRow({ symbol: "KO", bid: null, bidSize: null, venue: "IEX", consolidated: false }),
  ];
  const changed = flush(9, { epoch: EPOCH, class: "quotes", quotes });
  const viewOfQuotes = (sids: readonly number[]) => viewFor(sids, false, ["quotes"]);

  it("carries the view's own quotes without what only storage needs", () => {
    const { text } = flushFrame(changed, viewOfQuotes([70]), false);
    expect(flushFrameSchema.parse(JSON.parse(text))).toEqual({
      op: "flush",
      g: "7q",
      e: EPOCH,
      fs: 9,
      at: changed.as_of,
      quotes: { ch: "quotes", cols: [...QUOTE_COLUMNS], rows: [quotes[1]?.slice(0, 15)] },
    });
  });

  it("is sent as a snapshot with the flush behind which it stands, empty when it has none", () => {
    const known = { quote: quoteOf(), status: "first", asOf: changed.as_of } as const;
    const snapshot = { epoch: EPOCH, fs: 9, at: changed.as_of, quotes: [known] };
    const frameFor = (sids: number[]) =>
      serverFrameSchema.parse(JSON.parse(snapshotFrame(7, snapshot, viewOfQuotes(sids))));
    const head = { op: "snapshot", g: "7q", e: EPOCH, fs: 9, at: changed.as_of };
    expect(frameFor([3])).toMatchObject({ ...head, quotes: { rows: [quotes[0]?.slice(0, 15)] } });
    expect(frameFor([5_000])).toEqual(head);
  });
});
