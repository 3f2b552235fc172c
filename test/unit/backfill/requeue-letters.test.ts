import { beforeEach, describe, expect, it, vi } from "vitest";
import { type RequeueDeps, requeueLetters } from "../../../src/backfill/requeue-letters.ts";
import type { StoredLetter } from "../../../src/postgres/dead-letter-row.ts";

const MINUTE_MS = 60_000;

function letter(symbol: string, change: Partial<StoredLetter> = {}): StoredLetter {
  return {
    id: `T0:${symbol}`,
    group: 1,
    symbol,
    interval: "1m",
    startMs: 0,
    endMs: MINUTE_MS,
    tier: "T0",
    priority: 3,
    attempts: 5,
    status: "dead",
    reason: "malformed",
    lastError: "",
    history: [],
    note: null,
    enqueuedMs: 0,
    diedMs: 1_000,
    updatedMs: 1_000,
    ...change,
  };
}

/** A queue with leave for some and place for some, and groups of which some are away. */
class FakeDeps implements RequeueDeps {
  readonly events: string[] = [];
  leave = 100;
  place = 100;
  away = new Set<number>();

  readonly takeLeave = async (wanted: number) => {
    this.events.push(`leave ${wanted}`);
    return { granted: Math.min(wanted, this.leave), waitMs: 7_000 };
  };

  readonly offer: RequeueDeps["offer"] = async (holes) => {
    this.events.push(`offer ${holes.map(({ symbol }) => symbol).join(" ")}`);
    return { taken: Math.min(holes.length, this.place) };
  };

  readonly reopen: RequeueDeps["reopen"] = async (group, ranges) => {
    if (this.away.has(group)) throw new Error("overloaded");
    this.events.push(`reopen ${group} ${ranges.map(({ symbol }) => symbol).join(" ")}`);
  };

  readonly mark: RequeueDeps["mark"] = async (deaths) => {
    this.events.push(`mark ${deaths.map(({ id }) => id).join(" ")}`);
    return deaths.map(({ id }) => id);
  };
}

let deps: FakeDeps;
beforeEach(() => {
  deps = new FakeDeps();
  vi.spyOn(console, "warn").mockImplementation(() => {});
});

describe("requeueing", () => {
  it("asks for leave, offers, tells each group once, and marks last", async () => {
    const letters = [letter("A"), letter("B", { group: 2 }), letter("C")];
    const outcome = await requeueLetters(letters, deps);
    expect(outcome).toMatchObject({ kind: "requeued", isFull: false });
    expect(outcome.kind === "requeued" && outcome.ids.toSorted()).toEqual(["T0:A", "T0:B", "T0:C"]);
    expect(deps.events[0]).toBe("leave 3");
    expect(deps.events[1]).toBe("offer A B C");
    expect(deps.events.slice(2, 4).toSorted()).toEqual(["reopen 1 A C", "reopen 2 B"]);
    expect(deps.events[4]).toMatch(/^mark /);
    expect(deps.events).toHaveLength(5);
  });

  it("offers what the letter is about now, as urgent as it says", async () => {
    const offer = vi.spyOn(deps, "offer");
    await requeueLetters([letter("A", { priority: 0, startMs: 60_000, endMs: 180_000 })], deps);
    expect(offer).toHaveBeenCalledWith([
      {
        symbol: "A",
        startMs: 60_000,
        endMs: 180_000,
        group: 1,
        interval: "1m",
        priority: 0,
      },
    ]);
  });

  it("tells no group of daily bars", async () => {
    deps.away.add(1);
    const outcome = await requeueLetters([letter("A", { interval: "1d" })], deps);
    expect(outcome).toMatchObject({ kind: "requeued", ids: ["T0:A"] });
  });

  it("does nothing without leave, and says for how long", async () => {
    deps.leave = 0;
    expect(await requeueLetters([letter("A")], deps)).toEqual({ kind: "limited", waitMs: 7_000 });
    expect(deps.events).toEqual(["leave 1"]);
  });

  it("marks nothing when the queue is full, and the first ones when it fills up", async () => {
    deps.place = 0;
    expect(await requeueLetters([letter("A")], deps)).toEqual({ kind: "full" });
    expect(deps.events).toEqual(["leave 1", "offer A"]);
    deps.place = 1;
    deps.leave = 2;
    const letters = [letter("A"), letter("B"), letter("C")];
    expect(await requeueLetters(letters, deps)).toMatchObject({ ids: ["T0:A"], isFull: true });
    expect(deps.events.slice(2)).toEqual(["leave 3", "offer A B", "reopen 1 A", "mark T0:A"]);
  });

  it("leaves the letters of a group that is away dead, and requeues the others", async () => {
    deps.away.add(2);
    const letters = [letter("A", { group: 2 }), letter("B")];
    expect(await requeueLetters(letters, deps)).toMatchObject({ ids: ["T0:B"] });
    expect(await requeueLetters(letters.slice(0, 1), deps)).toEqual({
      kind: "group_away",
      error: "overloaded",
    });
    expect(deps.events.filter((event) => event.startsWith("mark"))).toEqual(["mark T0:B"]);
  });
});
