import { afterEach, describe, expect, it, vi } from "vitest";
import { AuditCopier } from "../../../src/config/audit-copier.ts";
import type { NumberedAct } from "../../../src/platform/act-log.ts";

const NOW_MS = Date.UTC(2026, 2, 20, 14);
const numbers = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, index) => from + index);
const actOf = (id: number): NumberedAct => ({
  id,
  atMs: NOW_MS + id,
  actor: "k_1",
  act: "isolate",
  subject: "provider:iex",
  reason: null,
  detail: null,
});

/** A ConfigStore that keeps these acts, and a database with those that it stored in each statement. */
function world(kept: readonly number[]) {
  let text: string | null = null;
  const state = { kept, stored: new Array<number[]>(), failAt: 0 };
  const copier = () =>
    new AuditCopier({
      after: async (place, limit) =>
        state.kept
          .filter((id) => id > (place?.id ?? 0))
          .slice(0, limit)
          .map(actOf),
      newest: async () => {
        const id = state.stored.flat().at(-1);
        return id === undefined ? null : { id, atMs: NOW_MS + id };
      },
      store: async (acts) => {
        if (state.stored.length + 1 === state.failAt) throw new Error("the database is away");
        state.stored.push(acts.map(({ id }) => id));
      },
      memory: { get: () => text, set: (value) => void (text = value) },
      now: () => NOW_MS,
    });
  return { state, run: () => copier().run() };
}

afterEach(() => void vi.restoreAllMocks());

describe("the copier of the audit", () => {
  it("takes bounded batches in order, and goes on behind the last one that was stored", async () => {
    vi.spyOn(console, "warn").mockReturnValue();
    const { state, run } = world(numbers(1, 1_000));
    state.failAt = 2;
    await run();
    expect(state.stored.map(({ length }) => length)).toEqual([500]);
    state.failAt = 0;
    await run();
    expect(state.stored.map(({ length }) => length)).toEqual([500, 500]);
    expect(state.stored.flat()).toEqual(numbers(1, 1_000));
  });

  it("says how many acts were dropped before they could be copied, and copies what is left", async () => {
    const error = vi.spyOn(console, "error").mockReturnValue();
    const { state, run } = world([1, 2]);
    await run();
    expect(error).not.toHaveBeenCalled();
    state.kept = numbers(13, 1_012);
    await run();
    expect(error).toHaveBeenCalledOnce();
    expect(error.mock.calls[0]?.[0]).toContain('"lost":10');
    expect(state.stored.flat()).toEqual([1, 2, ...numbers(13, 1_012)]);
  });
});
