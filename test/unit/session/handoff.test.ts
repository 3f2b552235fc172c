import { once } from "node:events";
import { createServer } from "node:http";
import { expect, it, onTestFinished } from "vitest";
import { followHandoff } from "../../../dev/session/handoff.ts";
import type { FlushFrame } from "../../../src/contracts/stream.ts";
import { formatToken, parseToken } from "../../../src/stream/token.ts";

const HEAD_FS = 9;
const EPOCH = "k3f9a2xqabcdefg";
const frame = (fs: number): FlushFrame => ({ op: "flush", g: "7b", e: EPOCH, fs, at: 1_000 + fs });
const token = formatToken([["7b", { epoch: EPOCH, fs: 2, at: 1_002 }]]);

/** A replay route with flushes up to `HEAD_FS`, two a page; answers its address and what it was asked. */
async function startReplay(truncated: boolean): Promise<{ baseUrl: string; asked: string[] }> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const { searchParams } = new URL(request.url ?? "", "http://replay");
    asked.push(`${request.headers.authorization ?? ""} ${searchParams.get("symbols") ?? ""}`);
    const afterFs = parseToken(searchParams.get("from") ?? "")?.get("7b")?.fs ?? 0;
    const flushes = [frame(afterFs + 1), frame(afterFs + 2)].filter(({ fs }) => fs <= HEAD_FS);
    const joinFs = (flushes.at(-1)?.fs ?? afterFs) + 1;
    const stream = { g: "7b", e: EPOCH, truncated, join_fs: joinFs, complete: joinFs > HEAD_FS };
    response.end(JSON.stringify({ flushes, streams: [stream] }));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port was bound");
  return { baseUrl: `http://127.0.0.1:${address.port}`, asked };
}

async function follow(baseUrl: string, joinFs: number, symbols: readonly string[]) {
  const url = `/v1/stream/replay?from=${token}`;
  const parts = followHandoff({ baseUrl, key: "k", url, joinFs, symbols });
  return (await Array.fromAsync(parts)).flatMap((part) =>
    part.kind === "flushes" ? part.frames.map(({ fs }) => fs) : [],
  );
}

it("fetches every flush between the token and the first live one, once, for its own symbols", async () => {
  const { baseUrl, asked } = await startReplay(false);
  expect(await follow(baseUrl, 8, ["AAPL", "SPY"])).toEqual([3, 4, 5, 6, 7]);
  expect(asked).toEqual(Array.from({ length: 3 }, () => "Bearer k AAPL,SPY"));
  expect(await follow(baseUrl, HEAD_FS + 1, ["*"])).toEqual([3, 4, 5, 6, 7, 8, 9]);
  expect(asked.at(-1)).toBe("Bearer k ");
});

it("calls a replay that has lost its beginning a failure", async () => {
  const { baseUrl } = await startReplay(true);
  await expect(follow(baseUrl, 8, ["*"])).rejects.toThrow("truncated");
});
