import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, it } from "vitest";
import { type BarEvent, connect } from "../../src/client/index.ts";
import { createCalendar } from "../../src/domain/calendar.ts";
import { DEFAULT_SYMBOL_GROUPS } from "../../dev/stack/local-stack.ts";
import { groupOf } from "../../src/domain/symbol.ts";
import { streamName } from "../../src/stream/token.ts";
import { type FlushFrame, serverFrameSchema } from "../../src/contracts/stream.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const TIMEOUT_MS = 240_000;

interface Started {
  readonly child: ChildProcess;
  readonly stateDir: string;
  readonly stream: string;
  readonly api: string;
  readonly key: string;
}

let started: Started | null = null;

/** `npm start` as a person runs it, with a small market; resolves when it has printed its addresses. */
function start(): Promise<Started> {
  const stateDir = mkdtempSync(join(tmpdir(), "mds-start-"));
  const child = spawn(
    process.execPath,
    [join(root, "dev/start.mjs"), "stack", "--symbols", "200", "--speed", "6", "--state", stateDir],
    { cwd: root, stdio: ["ignore", "pipe", "pipe"] },
  );
  return new Promise((resolve, reject) => {
    let output = "";
    const read = (chunk: Buffer) => {
      output += chunk.toString();
      const stream = /stream +(ws:\S+)/.exec(output)?.[1];
      const api = /API +(http:\S+)/.exec(output)?.[1];
      const key = /key +(mds_\S+)/.exec(output)?.[1];
      if (
        stream !== undefined &&
        api !== undefined &&
        key !== undefined &&
        output.includes("Ctrl-C")
      ) {
        resolve({ child, stateDir, stream, api, key });
      }
    };
    child.stdout.on("data", read);
    child.stderr.on("data", read);
    child.once("exit", (code) => reject(new Error(`it ended with ${code}:\n${output}`)));
  });
}

/** Flushes with bars of a plain client, until `enough` of them have come. */
function firstFlushes(url: string, key: string, enough: number): Promise<FlushFrame[]> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(`${url}?symbols=SPY,AAPL`, ["mds.v1", `key.${key}`]);
    const flushes: FlushFrame[] = [];
    socket.addEventListener("error", () => reject(new Error("the socket failed")));
    socket.addEventListener("message", (event) => {
      const frame = serverFrameSchema.parse(JSON.parse(String(event.data)));
      if (frame.op === "flush") flushes.push(frame);
      if (frame.op === "batch") flushes.push(...frame.flushes);
      if (flushes.filter((flush) => flush.bars !== undefined).length < enough) return;
      socket.close();
      resolve(flushes);
    });
  });
}

/** Bars of SPY as the client of the package gets them, which comes with a token of another life of the stream. */
function barsFromAnotherLife(url: string, key: string, openMs: number): Promise<BarEvent[]> {
  const stream = streamName({ group: groupOf("SPY", DEFAULT_SYMBOL_GROUPS), class: "bars" });
  const resume = `${stream}.000000000000000.7.${openMs.toString(36)}`;
  return new Promise((resolve) => {
    const bars: BarEvent[] = [];
    const feed = connect({
      url,
      key,
      symbols: ["SPY"],
      resume,
      onBar: (bar) => {
        bars.push(bar);
        if (bar.via !== "live") return;
        feed.close();
        resolve(bars);
      },
    });
  });
}

function processesOf(stateDir: string): string[] {
  const list = execFileSync("ps", ["-eo", "args"], { encoding: "utf8" });
  return list.split("\n").filter((line) => line.includes(stateDir));
}

afterEach(() => {
  started?.child.kill("SIGKILL");
  if (started !== null) rmSync(started.stateDir, { recursive: true, force: true });
  started = null;
});

describe("npm start", { timeout: TIMEOUT_MS }, () => {
  it("streams to a plain client, answers reads, and leaves no process behind at Ctrl-C", async () => {
    started = await start();
    const { child, stateDir, stream, api, key } = started;
    const flushes = await firstFlushes(stream, key, 2);
    expect(flushes[0]?.bars?.cols.slice(0, 3)).toEqual(["s", "t", "o"]);

    const read = await fetch(`${api}/v1/bars?symbols=SPY&limit=1`, {
      headers: { authorization: `Bearer ${key}` },
    });
    expect(read.status).toBe(200);
    // Of whoever answered: on a busy machine the first provider may have been too slow.
    expect(await read.json()).toMatchObject({ bars: [{ symbol: "SPY", feed: "sip" }] });
    expect((await fetch(`${api}/v1/bars?symbols=SPY`)).status).toBe(401);
    const last = await fetch(`${api}/v1/bars/latest?symbols=SPY`, {
      headers: { authorization: `Bearer ${key}` },
    });
    expect(await last.json()).toMatchObject({ bars: [{ symbol: "SPY" }] });
    const config = await fetch(`${api}/ops/config`, {
      headers: { authorization: `Bearer ${key}` },
    });
    expect(config.headers.get("etag")).toBe('"1"');
    expect(await config.json()).toMatchObject({ version: 1, origin: "variables", behind: [] });

    // What is known of the day so far by a diff from Postgres, then what the log has beyond it, then live: each once.
    const { openMs } = createCalendar().previousSession(flushes[0]?.at ?? 0);
    const bars = await barsFromAnotherLife(stream, key, openMs);
    expect(bars.length).toBeGreaterThan(10);
    expect(bars[0]?.via).toBe("handoff");
    expect(bars.at(-1)?.via).toBe("live");
    const names = bars.map(({ ts, revision }) => `${ts} ${revision}`);
    expect(new Set(names).size).toBe(names.length);

    expect(processesOf(stateDir).length).toBeGreaterThan(0);
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGINT");
    await ended;
    expect(processesOf(stateDir)).toEqual([]);
  });
});
