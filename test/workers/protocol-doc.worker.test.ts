import { describe, expect, it } from "vitest";
import { Crc32c } from "../../src/stream/crc32c.ts";
import document from "../../docs/protocol.md?raw";
import { AAPL_GROUP, connectTo, ingestMinute, load, useWorld } from "./support/world.ts";

useWorld();

interface Line {
  readonly by: "C" | "S" | "(";
  readonly text: string;
}

/** The lines of the document's transcript. */
function transcript(): Line[] {
  const block = document.split("## A transcript")[1]?.split("```")[1] ?? "";
  return block
    .split("\n")
    .filter((line) => line !== "")
    .map((line): Line => {
      if (line.startsWith("(")) return { by: "(", text: line };
      return { by: line.startsWith("C ") ? "C" : "S", text: line.slice(2) };
    });
}

/** Bars that a line tells of: the minute it lies in, and closes by symbol. */
function told(text: string): { index: number; closes: Record<string, number> } | null {
  const time = /13:(\d\d):03/.exec(text)?.[1];
  if (time === undefined) return null;
  const closes = Object.fromEntries(
    Array.from(text.matchAll(/(AAPL|ORCL) (\d+)/g), ([, symbol = "", close]) => [
      symbol,
      Number(close),
    ]),
  );
  return { index: Number(time) - 31, closes };
}

/** Examples become the words for what they are, the same in both: a time by how long after the first one it is. */
function plain(text: string, base: { at: number }): string {
  return text
    .replaceAll(/\b1[67]\d{11}\b/g, (ms) => {
      base.at ||= Number(ms);
      return `T+${Number(ms) - base.at}`;
    })
    .replaceAll(/"crc32c":"[0-9a-f]{8}"/g, '"crc32c":"CRC"')
    .replaceAll(/"conn":"[0-9a-f-]{36}"/g, '"conn":"CONN"')
    .replaceAll(/"hash":"[0-9a-f]{8}"/g, '"hash":"HASH"')
    .replaceAll(/\b(\d+b)\.[0-9a-z]{15}\.(\d+)\.[0-9a-z]+/g, "$1.EPOCH.$2.AT")
    .replaceAll(/"e":"[0-9a-z]{15}"/g, '"e":"EPOCH"');
}

describe("the transcript of docs/protocol.md", () => {
  it("is what the stream says, frame by frame", async () => {
    await load([AAPL_GROUP]);
    const ours = { at: 0 };
    const theirs = { at: 0 };
    let client = await connectTo(AAPL_GROUP);
    let [taken, pongs, token] = [0, 0, ""];
    const lines = transcript();
    expect(lines.length).toBeGreaterThan(12);
    for (const { by, text } of lines) {
      if (by === "(") {
        if (text.includes("drops")) client.socket.close();
        const bars = told(text);
        if (bars !== null) await ingestMinute(AAPL_GROUP, bars.index, bars.closes);
        if (text.includes("drops")) {
          client = await connectTo(AAPL_GROUP);
          await client.find((frame) => (frame.op === "hello" ? frame : null));
          taken = 1;
        }
      } else if (by === "C") {
        client.send(text.replace(/"resume":"[^"]+"/, () => `"resume":"${token}"`));
      } else if (text === "pong") {
        pongs += 1;
        const expected = pongs;
        await client.until(() => client.pongs === expected);
      } else {
        const at = taken;
        taken += 1;
        await client.until(() => client.texts.length > at);
        const came = client.texts[at] ?? "";
        expect(plain(came, theirs)).toBe(plain(text, ours));
        const flush = client.flushes().at(-1);
        if (flush !== undefined)
          token = [flush.g, flush.e, flush.fs, flush.at.toString(36)].join(".");
        const crc = new Crc32c();
        for (const replayed of client.texts.filter((sent) => sent.includes('"rp":1')))
          crc.update(replayed);
        for (const { crc32c } of client.of("caught_up")) expect(crc32c).toBe(crc.digest());
      }
    }
    expect(client.texts).toHaveLength(taken);
  });
});
