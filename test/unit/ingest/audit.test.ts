import { describe, expect, it } from "vitest";
import { type AuditRepair, MAX_AUDIT_REPAIRS } from "../../../src/contracts/audit.ts";
import { type AuditBar, NO_BARS, withBar } from "../../../src/domain/audit.ts";
import { auditGroup, type AuditDeps } from "../../../src/ingest/audit.ts";
import { CALENDAR, MINUTE_MS, OPEN_MS } from "../../support/naive-group.ts";

const HOUR_MS = 60 * MINUTE_MS;
const WINDOW = { startMs: OPEN_MS - 5 * HOUR_MS, endMs: OPEN_MS + 10 * HOUR_MS };
const SYMBOLS = Array.from({ length: 45 }, (_, index) => `S${index}`);
/** A bar each minute from an hour before the open to the close. */
const BARS = Array.from({ length: 450 }, (_, index): AuditBar => {
  return { ts: OPEN_MS + (index - 60) * MINUTE_MS, revision: 0, fingerprint: [index, 1] };
});

/** A group that believes in these bars of every symbol; Postgres has those that `has` says. */
function world(has: (symbol: string, bar: AuditBar) => boolean, sinceMs = 0) {
  const pages: number[] = [];
  const repairs: AuditRepair[] = [];
  const asked: string[] = [];
  const believed = BARS.filter(({ ts }) => ts >= sinceMs);
  const deps: AuditDeps = {
    calendar: CALENDAR,
    sums: async () => ({
      state: "ready",
      position: "e:1",
      symbols: SYMBOLS.map((symbol) => ({
        symbol,
        sinceMs,
        ...believed.reduce(withBar, NO_BARS),
      })),
      open: [],
    }),
    minutes: async (_group, _window, symbols) => {
      asked.push(...symbols);
      return {
        position: "e:1",
        symbols: symbols.map((symbol) => ({ symbol, bars: believed, lost: [] })),
      };
    },
    repair: async (_group, repair) => {
      repairs.push(repair);
      return repair.faults.length;
    },
    readBars: async (symbols) => {
      pages.push(symbols.length);
      return symbols.flatMap((symbol) =>
        BARS.filter((bar) => has(symbol, bar)).map((bar) => ({ symbol, ...bar })),
      );
    },
    readHoles: async () => [],
  };
  const audit = async (repair: boolean) =>
    await auditGroup({ group: 3, window: WINDOW, repair }, deps);
  return { audit, pages, asked, repairs };
}

describe("the audit of a group", () => {
  it("reads bounded pages, and minute by minute only of those that differ", async () => {
    const { audit, pages, asked, repairs } = world(
      (symbol, { ts }) => symbol !== "S7" || ts !== OPEN_MS,
    );
    const found = await audit(false);
    expect(found).toMatchObject({ symbols: 45, bars_believed: 45 * 450, repaired: 0 });
    expect(found.bars_stored).toBe(45 * 450 - 1);
    expect(found.differences.missing_in_postgres).toBe(1);
    expect([pages, asked, repairs]).toEqual([[20, 20, 5], ["S7"], []]);
  });

  it("mends so many minutes a run, the oldest that it can, and says that more are left", async () => {
    const { audit, repairs } = world(() => false);
    const found = await audit(true);
    expect(found.differences.missing_in_postgres).toBe(45 * 450);
    expect(found).toMatchObject({ is_cut: true, repaired: MAX_AUDIT_REPAIRS });
    expect(found.examples).toHaveLength(20);
    const starts = repairs.flatMap(({ faults }) => faults.map(({ ts }) => ts));
    expect(Math.min(...starts)).toBe(OPEN_MS);
    expect(Math.max(...starts)).toBe(
      OPEN_MS + Math.floor((MAX_AUDIT_REPAIRS - 1) / 45) * MINUTE_MS,
    );
  });

  it("tells of bars outside of the regular minutes, and asks nobody for them", async () => {
    const { audit, repairs } = world((_, { ts }) => ts >= OPEN_MS);
    const found = await audit(true);
    expect(found.differences.missing_in_postgres).toBe(45 * 60);
    expect(found).toMatchObject({ is_cut: false, repaired: 0 });
    expect(repairs).toEqual([]);
  });

  it("takes older bars of a symbol that joined for the history lane's", async () => {
    const found = await world(() => true, OPEN_MS + HOUR_MS).audit(true);
    expect(found).toMatchObject({ bars_believed: 45 * 330, bars_stored: 45 * 330, repaired: 0 });
    expect(Object.values(found.differences)).toEqual([0, 0, 0, 0, 0]);
  });
});
