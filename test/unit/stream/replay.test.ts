import { describe, expect, it } from "vitest";
import type { Flush } from "../../../src/contracts/flush.ts";
import { MAX_STREAM_REPLAY_BYTES } from "../../../src/contracts/stream.ts";
import { createEpoch } from "../../../src/domain/epoch.ts";
import { Crc32c } from "../../../src/stream/crc32c.ts";
import type { FollowAnswer, HomePort } from "../../../src/stream/home-port.ts";
import { caughtUpFrame, prepareReplays, type ResumeRequest } from "../../../src/stream/replay.ts";
import { NO_SUBSCRIPTION, viewOf, withSymbols } from "../../../src/stream/subscription.ts";
import type { Position } from "../../../src/stream/token.ts";
import { flush, OPEN_MS, row } from "../../support/flushes.ts";

const EPOCH = createEpoch(OPEN_MS, () => 0.25);
const OTHER_EPOCH = createEpoch(OPEN_MS + 1, () => 0.25);
const HEAD_FS = 20;
/** How far Postgres is, where nothing else is said. */
const DRAINED: Position = { epoch: EPOCH, fs: 17, at: OPEN_MS + 5_000 };
/** The diff that a client reads after this point, whose position says OPEN_MS. */
const DIFF =
  "/v1/bars/diff?as_of_a=2026-03-20T13%3A30%3A00.000Z&as_of_b=2026-03-20T13%3A30%3A05.000Z";
const MAX_READS = 200;

/** A home whose log holds these numbers, a few flushes a read; it fails loudly when asked for ever. */
function homeOf(
  numbers: readonly number[],
  change: {
    rows?: number;
    epoch?: string;
    perRead?: number;
    drained?: Position;
    onRead?: () => void;
  } = {},
): HomePort {
  const rows = Array.from({ length: change.rows ?? 1 }, (_, i) =>
    row({ ts: OPEN_MS + i * 60_000 }),
  );
  const log = numbers.map((fs): Flush => flush(fs, { epoch: EPOCH, rows }));
  let reads = 0;
  return {
    follow: () => Promise.reject(new Error("not asked here")),
    latestQuotes: () => Promise.reject(new Error("not asked here")),
    latestBars: () => Promise.reject(new Error("not asked here")),
    locate: () => Promise.reject(new Error("not asked here")),
    drainPoint: async (epoch, maxFs) => {
      const { drained = DRAINED } = change;
      return epoch === drained.epoch && maxFs < drained.fs ? { ...drained, fs: maxFs } : drained;
    },
    readLog: async (_streamClass, afterFs) => {
      reads += 1;
      change.onRead?.();
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
  change: {
    epoch?: string;
    follow?: Partial<FollowAnswer>;
    stream?: string;
    standing?: () => Position;
    symbols?: readonly number[];
  } = {},
): ResumeRequest {
  const roster = [{ symbol: "AAPL", sid: 0 }];
  const wanted = withSymbols(NO_SUBSCRIPTION, ["bars.1m"], change.symbols ?? "*");
  const view = viewOf(wanted, "bars", roster);
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
    group: 7,
    standing: change.standing ?? (() => undefined),
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
    ["a log that lost its old flushes meanwhile", requestOf(5, homeOf(numbers(15, HEAD_FS)))],
    [
      "a hole in the log",
      requestOf(5, homeOf([...numbers(1, 9), ...numbers(11, HEAD_FS)], { perRead: 4 })),
    ],
  ])("is handed a diff for %s, and replayed from what Postgres has", async (_name, request) => {
    const { result, frames, position } = await replay(request);
    expect(result).toEqual({
      g: "7b",
      recovered: false,
      code: 1412,
      handoff: { url: `${DIFF}&group=7`, join_fs: 18 },
    });
    expect(numbersOf(frames)).toEqual([18, 19, 20]);
    expect(position.fs).toBe(HEAD_FS);
  });

  it("names few symbols in its diff, and asks for both intervals when it takes both", async () => {
    const few = requestOf(0, homeOf(numbers(1, HEAD_FS)), { epoch: OTHER_EPOCH, symbols: [0] });
    expect((await replay(few)).result.handoff).toEqual({
      url: `${DIFF}&symbols=AAPL`,
      join_fs: 18,
    });
    const both = viewOf(
      withSymbols(NO_SUBSCRIPTION, ["bars.1m", "bars.1d"], "*"),
      "bars",
      few.follow.roster,
    );
    if (both === null) throw new Error("the whole universe is something");
    const { handoff } = (await replay({ ...few, view: both })).result;
    expect(handoff?.urls).toEqual([`${DIFF}&group=7`, `${DIFF}&interval=1d&group=7`]);
    expect(handoff?.url).toBe(handoff?.urls?.[0]);
  });

  it("that is too large for the socket is handed to the HTTP replay, and joins at the head", async () => {
    const large = requestOf(5, homeOf(numbers(1, HEAD_FS), { rows: 500 }));
    const { result, frames } = await replay(large);
    expect(frames).toEqual([]);
    expect(result.handoff).toEqual({
      url: `/v1/stream/replay?from=7b.${EPOCH}.5.${OPEN_MS.toString(36)}`,
      join_fs: HEAD_FS + 1,
    });
  });

  it("that is too large behind its diff comes as if live from there, or over HTTP where it is followed", async () => {
    const far = { epoch: EPOCH, fs: 2, at: OPEN_MS + 5_000 };
    const home = homeOf(numbers(1, HEAD_FS), { rows: 500, drained: far });
    const { result, frames, position } = await replay(requestOf(1, home, { epoch: OTHER_EPOCH }));
    expect(result.handoff).toEqual({ url: `${DIFF}&group=7`, join_fs: 3 });
    expect(frames).toEqual([]);
    expect(position).toEqual(far);
    const standing = () => ({ epoch: EPOCH, fs: HEAD_FS, at: OPEN_MS + 9_999 });
    const followed = requestOf(1, home, { epoch: OTHER_EPOCH, standing });
    const handed = await replay(followed);
    const rest = `/v1/stream/replay?from=7b.${EPOCH}.2.${far.at.toString(36)}`;
    expect(handed.result.handoff).toEqual({
      url: `${DIFF}&group=7`,
      urls: [`${DIFF}&group=7`, rest],
      join_fs: HEAD_FS + 1,
    });
    expect(handed.frames).toEqual([]);
    expect(handed.position).toEqual(standing());
    const renewed = { ...standing(), epoch: OTHER_EPOCH };
    const meanwhile = requestOf(1, home, { epoch: OTHER_EPOCH, standing: () => renewed });
    await expect(replay(meanwhile)).rejects.toThrow("can't go back");
  });

  it("goes on in the epoch that began while its log was read, behind what Postgres has", async () => {
    const drained = { epoch: OTHER_EPOCH, fs: 3, at: OPEN_MS + 5_000 };
    const home = homeOf(numbers(1, 9), { epoch: OTHER_EPOCH, drained });
    const { result, frames, position } = await replay(requestOf(5, home));
    expect(result).toMatchObject({ recovered: false, handoff: { join_fs: 4 } });
    expect(frames).toEqual([]);
    expect(position).toEqual(drained);
  });

  it("of a connection that follows it already ends where that stands, also when it moves on meanwhile", async () => {
    let fs = 9;
    const standing = () => ({ epoch: EPOCH, fs, at: OPEN_MS + fs });
    const home = homeOf(numbers(1, HEAD_FS), { perRead: 3, onRead: () => void (fs += 1) });
    const { result, frames, position } = await replay(requestOf(5, home, { standing }));
    expect(fs).toBe(11);
    expect(result).toEqual({ g: "7b", recovered: true, from: 6, to: 11 });
    expect(numbersOf(frames)).toEqual(numbers(6, 11));
    expect(position.fs).toBe(11);
  });

  it("fails, and is not read for ever, when its stream outruns it", async () => {
    let fs = 9;
    const home = homeOf(numbers(1, 5_000), { perRead: 1, onRead: () => void (fs += 2) });
    const standing = () => ({ epoch: EPOCH, fs, at: OPEN_MS });
    await expect(prepareReplays([requestOf(5, home, { standing })])).rejects.toThrow("faster");
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
