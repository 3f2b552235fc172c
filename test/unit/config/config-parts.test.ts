import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { diffConfig, MAX_CHANGES } from "../../../src/config/diff-config.ts";
import { jsonPath } from "../../../src/config/json-path.ts";
import { overDefaults } from "../../../src/config/over-defaults.ts";
import { VersionWatch } from "../../../src/config/version-watch.ts";

describe("a JSON path", () => {
  it.each([
    [[], "$"],
    [["breaker", "demote"], "$.breaker.demote"],
    [["calendar_overrides", 3, "date"], "$.calendar_overrides[3].date"],
    [["cold_start_sessions", "1m"], "$.cold_start_sessions['1m']"],
    [["it's", "a\\b"], "$['it\\'s']['a\\\\b']"],
  ])("of %j is %s", (keys, path) => {
    expect(jsonPath(keys)).toBe(path);
  });
});

describe("a diff", () => {
  it("names what differs by path, with both values", () => {
    const before = { a: 1, b: { c: [1, 2] }, gone: true };
    const after = { a: 1, b: { c: [1, 3, 4] }, come: {} };
    expect(diffConfig(before, after)).toEqual([
      { path: "$.b.c[1]", before: 2, after: 3 },
      { path: "$.b.c[2]", before: null, after: 4 },
      { path: "$.gone", before: true, after: null },
      { path: "$.come", before: null, after: {} },
    ]);
    expect(diffConfig([1], { 0: 1 })).toHaveLength(1);
  });

  it("is bounded", () => {
    const many = Array.from({ length: MAX_CHANGES + 5 }, (_, index) => index);
    expect(diffConfig([], many)).toHaveLength(MAX_CHANGES);
  });

  it("is empty exactly when nothing differs", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (before, after) => {
        const [one, other] = [before, after].map((value) => JSON.stringify(value));
        expect(diffConfig(JSON.parse(one ?? ""), JSON.parse(one ?? ""))).toEqual([]);
        if (diffConfig(before, after).length === 0)
          expect(JSON.parse(one ?? "")).toEqual(JSON.parse(other ?? ""));
      }),
    );
  });
});

describe("what is left out", () => {
  it("comes from the defaults, lists whole, and nothing that is given is lost", () => {
    const defaults = { a: { b: 1, c: [1, 2] }, d: 4 };
    expect(overDefaults({ a: { c: [9] }, x: 1 }, defaults)).toEqual({
      d: 4,
      a: { b: 1, c: [9] },
      x: 1,
    });
    expect(overDefaults({ a: 5 }, defaults)).toEqual({ a: 5, d: 4 });
    expect(overDefaults("text", defaults)).toBe("text");
    expect(overDefaults({}, defaults)).toEqual(defaults);
  });
});

describe("the lowest version that was acted by", () => {
  it("is that of the last five minutes", () => {
    const watch = new VersionWatch();
    expect(watch.lowest(0)).toBeNull();
    watch.note(3, 0);
    watch.note(4, 10_000);
    expect(watch.lowest(300_000)).toBe(3);
    expect(watch.lowest(300_001)).toBe(4);
    expect(watch.lowest(310_001)).toBeNull();
  });

  it("is found as by looking at every act", () => {
    const act = fc.record({ version: fc.integer({ min: 1, max: 5 }), afterMs: fc.nat(90_000) });
    fc.assert(
      fc.property(fc.array(act, { maxLength: 40 }), (acts) => {
        const watch = new VersionWatch();
        let nowMs = 0;
        const seen: { version: number; atMs: number }[] = [];
        for (const { version, afterMs } of acts) {
          nowMs += afterMs;
          watch.note(version, nowMs);
          seen.push({ version, atMs: nowMs });
          const recent = seen.filter(({ atMs }) => nowMs - atMs <= 300_000);
          expect(watch.lowest(nowMs)).toBe(Math.min(...recent.map((one) => one.version)));
        }
      }),
    );
  });

  it("takes a bounded place, and still knows the lowest", () => {
    const watch = new VersionWatch();
    for (let version = 1; version <= 5_000; version += 1) watch.note(version, version);
    expect(watch.lowest(5_000)).toBe(1);
  });
});
