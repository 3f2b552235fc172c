import { describe, expect, it } from "vitest";
import type { Flush } from "../../../src/contracts/flush.ts";
import { MAX_STREAM_REPLAY_BYTES } from "../../../src/contracts/stream.ts";
import { createEpoch } from "../../../src/domain/epoch.ts";
import { Crc32c } from "../../../src/stream/crc32c.ts";
import type { FollowAnswer, HomePort } from "../../../src/stream/home-port.ts";
import { caughtUpFrame, prepareReplays, type ResumeRequest } from "../../../src/stream/replay.ts";
import { NO_SUBSCRIPTION, viewOf, withSymbols } from "../../../src/stream/subscription.ts";
import { flush, OPEN_MS, row } from "../../support/flushes.ts";

const EPOCH = createEpoch(OPEN_MS, () => 0.25);
const OTHER_EPOCH = createEpoch(OPEN_MS + 1, () => 0.25);
const HEAD_FS = 20;
const MAX_READS = 200;

/** A home whose log holds these numbers, a few flushes a read; it fails loudly when asked for ever. */
function homeOf(
  numbers: readonly number[],
  change: { rows?: number; epoch?: string; perRead?: number } = {},
): HomePort {
  const rows = Array.from({ length: change.rows ?? 1 }, (_, i) =>
    row({ ts: OPEN_MS + i * 60_000 }),
  );
  const log = numbers.map((fs): Flush => flush(fs, { epoch: EPOCH, rows }));
  let reads = 0;
  return {
    follow: () => Promise.reject(new Error("not asked here")),
    latestQuotes: () => Promise.reject(new Error("not asked here")),
    readLog: async (_streamClass, afterFs) => {
      reads += 1;
      if (reads > MAX_READS) throw new Error("the log is read for ever");
      const part = log.filter(({ fs }) => fs > afterFs).slice(0, change.perRead ?? 7);
      return {
        epoch: change.epoch ?? EPOCH,
        headFs: log.at(-1)?.fs ?? 0,
        flushes: part.map((logged) => ({
          fs: logged.fs,
          asOf: logged.as_of,
          payload: JSON.stringify(logged),
        })),
      };
    },
  };
}

function requestOf(
  fromFs: number,
  home: HomePort,
  change: { epoch?: string; follow?: Partial<FollowAnswer>; stream?: string } = {},
): ResumeRequest {
  const roster = [{ symbol: "AAPL", sid: 0 }];
  const view = viewOf(withSymbols(NO_SUBSCRIPTION, ["bars.1m"], "*"), "bars", roster);
  if (view === null) throw new Error("the whole universe is something");
  const follow = {
    epoch: EPOCH,
    headFs: HEAD_FS,
    headAt: OPEN_MS + 9_999,
    rosterEpoch: EPOCH,
    rosterFrom: 0,
    nextMs: OPEN_MS + 125_000,
    oldestFs: 1,
    roster,
    ...change.follow,
  };
  return {
    stream: change.stream ?? "7b",
    id: { group: 7, class: "bars" },
    from: { epoch: change.epoch ?? EPOCH, fs: fromFs, at: OPEN_MS },
    home,
    follow,
    view,
  };
}

async function replay(request: ResumeRequest) {
  const [only] = await prepareReplays([request]);
  if (only === undefined) throw new Error("no replay");
  return only;
}

const numbers = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, i) => from + i);
const numbersOf = (frames: readonly { text: string }[]) =>
  frames.map(({ text }) => Number(/"fs":(\d+)/.exec(text)?.[1]));

describe("a resumed stream", () => {
  it("gets every flush since its position up to the head, in order, marked as replayed", async () => {
    const { result, frames, position } = await replay(
      requestOf(5, homeOf(numbers(1, HEAD_FS + 3))),
    );
    expect(result).toEqual({ g: "7b", recovered: true, from: 6, to: HEAD_FS });
    expect(numbersOf(frames)).toEqual(numbers(6, HEAD_FS));
    expect(frames.every(({ text }) => text.includes('"rp":1'))).toBe(true);
    expect(position).toEqual({ epoch: EPOCH, fs: HEAD_FS, at: OPEN_MS + 9_999 });
  });

  it("gets nothing and is recovered when it stands at the head, even of an empty log", async () => {
    const request = requestOf(HEAD_FS, homeOf([]), { follow: { oldestFs: HEAD_FS + 1 } });
    expect(await replay(request)).toMatchObject({ result: { recovered: true }, frames: [] });
  });

  it("is recovered from just before the oldest flush, and not from before that", async () => {
    const home = homeOf(numbers(11, HEAD_FS));
    expect((await replay(requestOf(10, home, { follow: { oldestFs: 11 } }))).frames).toHaveLength(
      10,
    );
    expect((await replay(requestOf(9, home, { follow: { oldestFs: 11 } }))).result.recovered).toBe(
      false,
    );
  });

  it.each([
    ["another epoch", requestOf(5, homeOf(numbers(1, HEAD_FS)), { epoch: OTHER_EPOCH })],
    ["a position beyond the head", requestOf(HEAD_FS + 1, homeOf(numbers(1, HEAD_FS)))],
    [
      "an epoch that changed while the log was read",
      requestOf(5, homeOf(numbers(1, HEAD_FS), { epoch: OTHER_EPOCH })),
    ],
    ["a log that ended early", requestOf(5, homeOf(numbers(1, 12)))],
    ["a hole in the log", requestOf(5, homeOf([...numbers(1, 9), ...numbers(11, HEAD_FS)]))],
    ["a hole in the log up to past the head", requestOf(5, homeOf([...numbers(1, 9), 30, 31]))],
    ["a replay that is too large", requestOf(5, homeOf(numbers(1, HEAD_FS), { rows: 500 }))],
  ])("gets nothing but a hand-off for %s", async (_name, request) => {
    const { result, frames, position } = await replay(request);
    expect(frames).toEqual([]);
    expect(result).toMatchObject({
      recovered: false,
      code: 1412,
      handoff: { join_fs: HEAD_FS + 1 },
    });
    expect(result.handoff?.url).toContain(`7b.${request.from.epoch}.${request.from.fs}.`);
    expect(position.fs).toBe(HEAD_FS);
  });

  it("shares 4 MB with the other streams of its connection: the first ones whole, the rest handed off", async () => {
    const home = () => homeOf(numbers(1, HEAD_FS), { rows: 230 });
    const requests = Array.from({ length: 12 }, (_, i) =>
      requestOf(0, home(), { stream: `${i}b` }),
    );
    const replays = await prepareReplays(requests);
    const sizes = replays.map(({ frames }) =>
      frames.reduce((sum, { text }) => sum + text.length, 0),
    );
    const recovered = replays.map(({ result }) => result.recovered);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(MAX_STREAM_REPLAY_BYTES);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(4 * 1_024 * 1_024);
    expect(recovered).toEqual(recovered.toSorted((a, b) => Number(b) - Number(a)));
    expect(new Set(recovered)).toEqual(new Set([true, false]));
  });

  it("ends with rows and checksum of exactly the frames that were sent", async () => {
    const prepared = await replay(requestOf(17, homeOf(numbers(1, HEAD_FS), { rows: 2 })));
    const crc = new Crc32c();
    crc.update(prepared.frames.map(({ text }) => text).join(""));
    const trailer: unknown = JSON.parse(caughtUpFrame(prepared));
    expect(trailer).toEqual({
      op: "caught_up",
      g: "7b",
      fs: HEAD_FS,
      count: 6,
      crc32c: crc.digest(),
    });
  });
});
