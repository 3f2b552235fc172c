import { describe, expect, it } from "vitest";
import { hostName } from "../../../src/domain/host-name.ts";
import { fnv1a32, groupName, groupOf, isCanonicalSymbol } from "../../../src/domain/symbol.ts";
import { chooseHost, type HostChoice } from "../../../src/stream/choose-host.ts";

const GROUPS = 32;
const only = (symbolGroups: number): HostChoice => ({
  symbolGroups,
  region: "enam",
  extraHosts: 0,
});
const hostOf = (id: string, symbols: readonly string[], choice: HostChoice) =>
  hostName(chooseHost(id, symbols, choice));

/** An id that looks like a UUID. */
function idOf(number: number): string {
  return [1, 2, 3, 4]
    .map((part) => fnv1a32(`${part}:${number}`).toString(16).padStart(8, "0"))
    .join("-");
}

/** Connections by host. */
function loadOf(connections: number, choice: HostChoice): Map<string, number> {
  const load = new Map<string, number>();
  for (let i = 0; i < connections; i += 1) {
    const host = hostOf(idOf(i), ["*"], choice);
    load.set(host, (load.get(host) ?? 0) + 1);
  }
  return load;
}

describe("the host of a connection", () => {
  it("is the home of its symbols when they share one", () => {
    const choice = { ...only(GROUPS), extraHosts: 40 };
    const home = groupName(groupOf("AAPL", GROUPS));
    expect(hostOf("any", ["AAPL"], choice)).toBe(home);
    expect(hostOf("other", ["AAPL", "AAPL"], choice)).toBe(home);
  });

  it("is the same for the same connection wherever it is asked, and one of the groups", () => {
    for (const groups of [1, 2, 32, 1_024]) {
      const host = chooseHost("3f2c", ["*"], only(groups));
      expect(chooseHost("3f2c", ["AAPL", "*"], only(groups))).toEqual(host);
      expect(host).toMatchObject({ kind: "group" });
      if (host.kind === "group") expect(host.group).toBeLessThan(groups);
    }
  });

  it("spreads connections evenly: no group has twice or half of its share", () => {
    const load = [...loadOf(32_000, only(GROUPS)).values()];
    expect(load).toHaveLength(GROUPS);
    expect(Math.max(...load)).toBeLessThan(2_000);
    expect(Math.min(...load)).toBeGreaterThan(500);
  });

  it("moves only to the new group when one is added", () => {
    for (let i = 0; i < 1_000; i += 1) {
      const before = hostOf(`connection-${i}`, ["*"], only(GROUPS));
      expect([before, groupName(GROUPS)]).toContain(
        hostOf(`connection-${i}`, ["*"], only(GROUPS + 1)),
      );
    }
  });

  it("is one of the groups or of its own region's extra hosts, each with its share", () => {
    const load = loadOf(16_000, { symbolGroups: 28, region: "weur", extraHosts: 4 });
    expect([...load.keys()].filter((name) => name.startsWith("h-")).toSorted()).toEqual([
      "h-weur-0",
      "h-weur-1",
      "h-weur-2",
      "h-weur-3",
    ]);
    expect(load.size).toBe(32);
    expect(Math.max(...load.values())).toBeLessThan(1_000);
    expect(Math.min(...load.values())).toBeGreaterThan(250);
  });

  it("moves only to an extra host when these are added", () => {
    for (let i = 0; i < 1_000; i += 1) {
      const before = hostOf(`connection-${i}`, ["*"], only(GROUPS));
      const after = hostOf(`connection-${i}`, ["*"], { ...only(GROUPS), extraHosts: 2 });
      expect([before, "h-enam-0", "h-enam-1"]).toContain(after);
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
