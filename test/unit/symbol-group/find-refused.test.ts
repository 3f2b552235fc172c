import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Flush } from "../../../src/contracts/flush.ts";
import type { SqlFault } from "../../../src/postgres/sql-error.ts";
import { findRefused } from "../../../src/symbol-group/find-refused.ts";
import { flush, gap, row } from "../../support/flushes.ts";

const fault = (kind: SqlFault["kind"]): SqlFault => ({
  kind,
  sqlstate: kind === "row_fault" ? "23514" : null,
  storedFs: null,
  message: kind,
});
const LIMIT = 10;

/** A flush of `rows` bars and `gaps` gap events, each with a symbol of its own. */
const flushOf = (rows: number, gaps: number) =>
  flush(1, {
    rows: Array.from({ length: rows }, (_, at) => row({ symbol: `R${at}` })),
    gaps: Array.from({ length: gaps }, (_, at) => gap("open", 0, 1, `G${at}`)),
  });

/** Refuses every part with one of these symbols in it, and counts the trials. */
function refusing(bad: ReadonlySet<string>) {
  const seen = { trials: 0 };
  const tryPart = async (part: Flush) => {
    seen.trials += 1;
    const symbols = [...part.rows, ...part.gaps].map(([symbol]) => symbol);
    return symbols.some((symbol) => bad.has(symbol)) ? fault("row_fault") : null;
  };
  return { seen, tryPart };
}

describe("what Postgres refuses in a flush", () => {
  it("is found exactly, whatever it is, in about twice its logarithm of trials each", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 400 }),
        fc.integer({ min: 0, max: 60 }),
        fc.array(fc.nat(), { maxLength: LIMIT }),
        async (rows, gaps, picks) => {
          const names = [
            ...Array.from({ length: rows }, (_, at) => `R${at}`),
            ...Array.from({ length: gaps }, (_, at) => `G${at}`),
          ];
          const bad = new Set(picks.map((pick) => names[pick % names.length] ?? ""));
          const { seen, tryPart } = refusing(bad);
          const whole = flushOf(rows, gaps);
          const found = await findRefused(whole, tryPart, LIMIT);
          expect(found.kind).toBe("found");
          const entries = found.kind === "found" ? found.entries : [];
          const symbols = new Set(entries.map(({ part, place }) => whole[part][place]?.[0]));
          expect(symbols).toEqual(bad);
          expect(entries).toHaveLength(bad.size);
          const halvings = Math.ceil(Math.log2(names.length)) + 1;
          expect(seen.trials).toBeLessThanOrEqual(1 + 2 * Math.max(1, bad.size) * halvings);
        },
      ),
    );
  });

  it("is not looked for beyond the limit: then no row is at fault", async () => {
    const { seen, tryPart } = refusing(new Set(flushOf(2_000, 0).rows.map(([symbol]) => symbol)));
    expect(await findRefused(flushOf(2_000, 0), tryPart, LIMIT)).toEqual({
      kind: "too_many",
      fault: fault("row_fault"),
    });
    expect(seen.trials).toBeLessThan(100);
  });

  it("is nobody's fault when the database goes away meanwhile", async () => {
    const away = async () => fault("retry");
    expect(await findRefused(flushOf(3, 0), away, LIMIT)).toEqual({
      kind: "failed",
      fault: fault("retry"),
    });
  });
});
