import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { log, LOG_LEVELS, type LogLevel, setLogLevel } from "../../../src/platform/log.ts";
import { beginTrace } from "../../../src/platform/trace.ts";

let lines: unknown[] = [];

beforeEach(() => {
  lines = [];
  for (const level of LOG_LEVELS)
    vi.spyOn(console, level).mockImplementation((text: unknown) => {
      lines.push(JSON.parse(String(text)));
    });
});
afterEach(() => {
  vi.restoreAllMocks();
  setLogLevel("info");
});

describe("log", () => {
  it.each([
    ["debug", 4],
    ["info", 3],
    ["warn", 2],
    ["error", 1],
  ] satisfies [LogLevel, number][])("at level %s writes %i of four lines", (lowest, written) => {
    setLogLevel(lowest);
    for (const level of LOG_LEVELS) log(level, "a line", { of: level });
    expect(lines).toEqual(
      LOG_LEVELS.slice(-written).map((level) => ({ level, message: "a line", of: level })),
    );
  });

  it("names the trace that it is written in, whatever the fields say", async () => {
    let trace = "";
    const send = (batch: { readonly trace: string }) => (trace = batch.trace);
    await beginTrace({ at: "here", send, alone: "kept" }, "root", async () => {
      await Promise.resolve();
      log("warn", "inside", { trace: "not this" });
    });
    log("warn", "outside");
    expect(trace).toMatch(/^[0-9a-f]{32}$/);
    expect(lines).toEqual([
      { level: "warn", message: "inside", trace },
      { level: "warn", message: "outside" },
    ]);
  });
});
