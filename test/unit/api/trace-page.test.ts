import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { buildFlameScript, FLAME_SCRIPT_FILE } from "../../../dev/flame/build-script.ts";
import { requestIdOf } from "../../../src/api/request-id.ts";
import { tracePage, tracePagePolicy } from "../../../src/api/trace-page.ts";
import { chromeTrace } from "../../../src/api/trace-view.ts";
import type { StoredTrace } from "../../../src/contracts/trace.ts";
import { ROOT } from "../../support/source-tree.ts";

const NASTY = '</script><img src=x onerror="alert(1)">&';
const span = (id: string, parent: string | null, startMs: number, endMs: number) => ({
  id,
  parent,
  label: `span ${id}`,
  at: "g05",
  startMs,
  endMs,
});
const TRACE: StoredTrace = {
  id: "0123456789abcdef0123456789abcdef",
  label: NASTY,
  begunMs: 1_000,
  endedMs: 1_040,
  spans: 3,
  dropped: 2,
  all: [
    { ...span("a-1", null, 1_000, 1_040), label: NASTY },
    { ...span("a-2", "a-1", 1_010, 1_020), failed: "ProviderError" },
    { ...span("b-1", "a-2", 1_012, 1_012), at: NASTY },
  ],
};

describe("the page of a trace", () => {
  const page = tracePage(TRACE, "n0nce");

  it("writes labels as text, in the table and in what the script reads", () => {
    expect(page).not.toContain("<img");
    expect(page.match(/<script/g)).toHaveLength(3);
    expect(page.match(/<\/script>/g)).toHaveLength(3);
    const [, json = ""] = /id="frames">(.*?)<\/script>/s.exec(page) ?? [];
    expect(JSON.parse(json)).toMatchObject({ name: `${NASTY} (g05)`, value: 30 });
  });

  it("runs only its own scripts and names nothing to be loaded", () => {
    const own = page.replaceAll(/<script[^>]*>.*?<\/script>/gs, "");
    expect(own).not.toMatch(/@import|url\(|https?:\/\/|<[^>]*\s(?:src|href|on\w+)=/);
    expect(page.match(/<script nonce="n0nce">/g)).toHaveLength(2);
    expect(tracePagePolicy("n0nce")).toContain("default-src 'none'; script-src 'nonce-n0nce'");
  });

  it("says when each span ran, what failed and how many spans are not there", () => {
    expect(page).toContain("<td>10</td><td>10</td>");
    expect(page).toContain("<b>ProviderError</b>");
    expect(page).toContain("2 more were not kept");
  });

  it("carries the library that the lock file has", async () => {
    expect(readFileSync(join(ROOT, FLAME_SCRIPT_FILE), "utf8")).toBe(await buildFlameScript(ROOT));
  });
});

describe("trace events", () => {
  it("are complete events in microseconds, a process a place", () => {
    const { traceEvents } = chromeTrace(TRACE);
    expect(traceEvents.filter(({ ph }) => ph === "M").map(({ pid, args }) => [pid, args])).toEqual([
      [1, { name: "g05" }],
      [2, { name: NASTY }],
    ]);
    const [, second] = traceEvents.filter(({ ph }) => ph === "X");
    expect(second).toMatchObject({ pid: 1, tid: 0, ts: 1_010_000, dur: 10_000 });
    expect(second?.args).toEqual({ id: "a-2", parent: "a-1", failed: "ProviderError" });
  });
});

describe("a request id", () => {
  it("is the caller's where it is well formed", () => {
    for (const id of ["a", "7f3c-1", "01J.x_y:z", "x".repeat(64)]) expect(requestIdOf(id)).toBe(id);
  });

  it("is a new one otherwise", () => {
    for (const id of [undefined, "", "a b", "x".repeat(65), 'a"b', "a\nb", "é", "{}"])
      expect(requestIdOf(id)).toMatch(/^[0-9a-f-]{36}$/);
  });
});
