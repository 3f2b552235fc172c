import { raiseAsOf } from "../../src/postgres/cursor-store.ts";
import { readBars } from "../../src/postgres/bars-store.ts";
import { drainFlushes } from "../../src/postgres/flush-store.ts";
import { storeHistory } from "../../src/postgres/history-store.ts";
import { classifySqlError } from "../../src/postgres/sql-error.ts";
import type { Flush } from "../../src/contracts/flush.ts";
import { BeliefModel, type ModelBar } from "./belief-model.ts";
import { flush, OPEN_MS, row } from "./flushes.ts";
import type { TestDatabase } from "./test-database.ts";

const MINUTE_MS = 60_000;
/** Between two steps: more than the milliseconds that changes by hand add to each other. */
const STEP_MS = 50;
/** When the world begins: nothing is believed before. */
const BEGIN_MS = OPEN_MS + 10 * MINUTE_MS;
const SYMBOLS = 2;
const MINUTES = 3;
export const KEYS = SYMBOLS * MINUTES;

/** A bar of the world: which of the minutes, and its close. */
export interface WorldBar {
  readonly key: number;
  readonly close: number;
}

/** One thing that happens. Places are counted back from the newest. */
export type Step =
  | { readonly kind: "flush"; readonly bars: readonly WorldBar[] }
  | { readonly kind: "drain"; readonly back: number; readonly count: number; readonly old: boolean }
  | { readonly kind: "epoch" }
  | { readonly kind: "promise" }
  | { readonly kind: "history"; readonly bars: readonly WorldBar[] }
  | { readonly kind: "update"; readonly bar: WorldBar }
  | { readonly kind: "delete"; readonly key: number }
  | { readonly kind: "read"; readonly share: number };

/** A group with its log and a few symbols of its own, in the database and in the model. */
export class BeliefWorld {
  readonly model = new BeliefModel();
  /** Reads that were made, with what they found. */
  readonly reads: { readonly asOf: number; readonly found: readonly ModelBar[] }[] = [];
  /** Drains by how they ended: stored, or the SQLSTATE. */
  readonly drains = new Map<string, number>();
  #test: TestDatabase;
  #group: number;
  #logs: Flush[][] = [[]];
  #nowMs = BEGIN_MS;
  #lastAsOf = 0;

  constructor(test: TestDatabase, group: number) {
    this.#test = test;
    this.#group = group;
  }

  /** Names the symbols, so that a change by hand finds the group's cursor. */
  async open(): Promise<void> {
    for (let symbol = 0; symbol < SYMBOLS; symbol += 1) {
      await this.#test.database.query(
        `insert into symbol_universe (symbol, sid, name, exchange, type, tier, "group", first_seen, last_seen)
        values ($1, $2, 'Any', 'XNAS', 'CS', 'T0', $3, '2026-03-20', '2026-03-20')`,
        [this.#symbol(symbol * MINUTES), this.#group * SYMBOLS + symbol, this.#group],
      );
    }
  }

  /** Does one thing to both; answers what it did to them as two values that must be equal. */
  async take(step: Step): Promise<readonly [actual: unknown, expected: unknown]> {
    this.#nowMs += STEP_MS;
    switch (step.kind) {
      case "flush":
        return this.#append(step.bars);
      case "drain":
        return await this.#drain(step);
      case "epoch":
        this.#logs.push([]);
        return [0, 0];
      case "promise":
        return await this.#promise();
      case "history":
        return await this.#history(step.bars);
      case "update":
        return await this.#update(step.bar);
      case "delete":
        this.model.delete(this.#symbol(step.key), ts(step.key));
        await this.#byHand("delete from candles_intraday where symbol = $1 and ts = $2", step.key);
        return [0, 0];
      case "read":
        return await this.#read(asOfAt(this.model.horizon, step.share));
    }
  }

  async read(asOf: number): Promise<ModelBar[]> {
    const bars = await readBars(this.#test.sql, {
      symbols: Array.from({ length: SYMBOLS }, (_, index) => this.#symbol(index * MINUTES)),
      interval: "1m",
      startMs: OPEN_MS,
      endMs: OPEN_MS + MINUTES * MINUTE_MS,
      asOfMs: asOf,
      limit: KEYS + 1,
    });
    return bars.map((bar) => [bar.symbol, bar.ts, bar.close, bar.asOfMs]);
  }

  #append(bars: readonly WorldBar[]): readonly [number, number] {
    const log = this.#logs.at(-1) ?? [];
    this.#lastAsOf = Math.max(this.#nowMs, this.#lastAsOf + 1, this.model.horizon + 1);
    const rows = bars.map(({ key, close }) =>
      row({ symbol: this.#symbol(key), ts: ts(key), close, askedAt: this.#nowMs }),
    );
    const epoch = `0k3f9a2x${String(this.#logs.length).padStart(3, "0")}aaa`;
    const base = { group: this.#group, epoch, as_of: this.#lastAsOf };
    log.push(flush(log.length + 1, { ...base, rows }));
    return [0, 0];
  }

  /** Of this instance's log, or of the one before: some flushes, perhaps stored ones again, perhaps too new ones. */
  async #drain({ back, count, old }: Extract<Step, { kind: "drain" }>) {
    const log = this.#logs.at(old ? -2 : -1) ?? [];
    const from = Math.max(log.length - back, 0);
    const flushes = log.slice(from, from + count);
    const [first, last] = [flushes[0], flushes.at(-1)];
    if (first === undefined || last === undefined) return [0, 0] as const;
    const expected = this.model.drainFault(first.epoch, first.fs, last.fs);
    const actual = await drainFlushes(this.#test.sql, flushes).then(
      () => null,
      (error: unknown) => {
        const { sqlstate, storedFs, message } = classifySqlError(error);
        return [sqlstate ?? message, storedFs];
      },
    );
    const end = expected?.[0] ?? "stored";
    this.drains.set(end, (this.drains.get(end) ?? 0) + 1);
    if (expected === null) this.model.drain(first.epoch, flushes.map(modelFlush));
    return [actual, expected] as const;
  }

  /** What a read asks of a group whose log is drained. */
  async #promise() {
    const { epoch, fs } = this.model;
    const last = this.#logs.at(-1)?.at(-1);
    if (last === undefined || last.epoch !== epoch || last.fs !== fs) return [0, 0] as const;
    this.model.promise(this.#nowMs);
    const promise = { group: this.#group, class: "bars", epoch, fs, asOfMs: this.#nowMs } as const;
    return [await raiseAsOf(this.#test.sql, promise), this.model.horizon] as const;
  }

  async #history(bars: readonly WorldBar[]) {
    for (const { key, close } of bars)
      this.model.history(this.#symbol(key), ts(key), close, this.#nowMs);
    await storeHistory(this.#test.sql, {
      group: this.#group,
      interval: "1m",
      source: { provider: "alpaca", feed: "sip" },
      askedAt: this.#nowMs,
      settle: false,
      bars: bars.map(({ key, close }) => {
        const [symbol, start, open, high, low, last, volume, tradeCount, vwap] = row({
          symbol: this.#symbol(key),
          ts: ts(key),
          close,
        });
        return { symbol, ts: start, open, high, low, close: last, volume, tradeCount, vwap };
      }),
      sessionOf: () => "regular",
      nowMs: this.#nowMs,
    });
    return [0, 0] as const;
  }

  async #update({ key, close }: WorldBar) {
    this.model.update(this.#symbol(key), ts(key), close);
    // As `row` makes them: values are told apart by their close alone.
    const set =
      "close = $3::float8, high = greatest(101.1, $3::float8), low = least(99.9, $3::float8)";
    await this.#byHand(
      `update candles_intraday set ${set} where symbol = $1 and ts = $2`,
      key,
      close,
    );
    return [0, 0] as const;
  }

  async #read(asOf: number) {
    const found = await this.read(asOf);
    this.reads.push({ asOf, found });
    return [found, this.model.read(asOf)] as const;
  }

  async #byHand(text: string, key: number, ...more: number[]): Promise<void> {
    const at = new Date(ts(key)).toISOString();
    await this.#test.database.query(text, [this.#symbol(key), at, ...more]);
  }

  #symbol(key: number): string {
    return `W${this.#group}.${Math.floor(key / MINUTES)}`;
  }
}

/** A knowledge time between the beginning and the horizon. */
function asOfAt(horizon: number, share: number): number {
  return Math.floor(BEGIN_MS + Math.max(horizon - BEGIN_MS, 0) * share);
}

function ts(key: number): number {
  return OPEN_MS + (key % MINUTES) * MINUTE_MS;
}

function modelFlush({ fs, as_of: asOf, rows }: Flush) {
  const bars = rows.map(([symbol, start, , , , close]) => ({ symbol, ts: start, close }));
  return { fs, asOf, bars };
}
