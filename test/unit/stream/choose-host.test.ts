import { describe, expect, it } from "vitest";
import { fnv1a32, groupName, groupOf, isCanonicalSymbol } from "../../../src/domain/symbol.ts";
import { chooseHost } from "../../../src/stream/choose-host.ts";

const GROUPS = 32;

/** Connections a group, of ids that look like UUIDs. */
function loadOf(connections: number, groups: number): number[] {
  const load = Array.from({ length: groups }, () => 0);
  for (let i = 0; i < connections; i += 1) {
    const id = [1, 2, 3, 4]
      .map((part) => fnv1a32(`${part}:${i}`).toString(16).padStart(8, "0"))
      .join("-");
    const host = chooseHost(id, ["*"], groups);
    load[host] = (load[host] ?? 0) + 1;
  }
  return load;
}

describe("the host of a connection", () => {
  it("is the home of its symbols when they share one", () => {
    expect(chooseHost("any", ["AAPL"], GROUPS)).toBe(groupOf("AAPL", GROUPS));
    expect(chooseHost("other", ["AAPL", "AAPL"], GROUPS)).toBe(groupOf("AAPL", GROUPS));
  });

  it("is the same for the same connection wherever it is asked, and one of the groups", () => {
    for (const groups of [1, 2, 32, 1_024]) {
      const host = chooseHost("3f2c", ["*"], groups);
      expect(chooseHost("3f2c", ["AAPL", "*"], groups)).toBe(host);
      expect(host).toBeGreaterThanOrEqual(0);
      expect(host).toBeLessThan(groups);
    }
  });

  it("spreads connections evenly: no group has twice or half of its share", () => {
    const load = loadOf(32_000, GROUPS);
    expect(Math.max(...load)).toBeLessThan(2_000);
    expect(Math.min(...load)).toBeGreaterThan(500);
  });

  it("moves only to the new group when one is added", () => {
    for (let i = 0; i < 1_000; i += 1) {
      const before = chooseHost(`connection-${i}`, ["*"], GROUPS);
      expect([before, GROUPS]).toContain(chooseHost(`connection-${i}`, ["*"], GROUPS + 1));
    }
  });
});

describe("the home of a symbol", () => {
  it("follows from FNV-1a as its draft gives it", () => {
    expect([fnv1a32(""), fnv1a32("a"), fnv1a32("foobar")]).toEqual([
      0x811c9dc5, 0xe40c292c, 0xbf9cf968,
    ]);
    expect(groupName(groupOf("AAPL", GROUPS))).toMatch(/^g[0-3]\d$/);
  });

  it("is asked of canonical symbols only", () => {
    for (const good of ["A", "BRK.B", "BAC.PRL", "KIM.PR", "ABCDEF.ABC.ABC"]) {
      expect(isCanonicalSymbol(good)).toBe(true);
    }
    for (const bad of ["", "*", "aapl", "BRK/B", "ABCDEFG", "A.ABCD", "A.", "A\n", "A.B.C.D"]) {
      expect(isCanonicalSymbol(bad)).toBe(false);
    }
  });
});
