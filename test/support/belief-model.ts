/** What was believed of a minute since `asOf`; values are told apart by their close alone. */
export interface ModelBelief {
  readonly asOf: number;
  readonly close: number;
}

/** One bar of the model as a read gives it. */
export type ModelBar = readonly [symbol: string, ts: number, close: number, asOf: number];

/** What of a flush concerns the model. */
export interface ModelFlush {
  readonly fs: number;
  readonly asOf: number;
  readonly bars: readonly {
    readonly symbol: string;
    readonly ts: number;
    readonly close: number;
  }[];
}

interface Minute {
  readonly symbol: string;
  readonly ts: number;
  /** Everything that was ever believed, in no order. */
  readonly beliefs: ModelBelief[];
  /** What stands in the table of what is believed now; null when it was deleted. */
  current: ModelBelief | null;
}

/**
 * Point-in-time storage as one would write it with a list a minute: every belief is kept with its knowledge
 * time, and a read at T finds the newest that is not later. Knows of one group where its cursor stands.
 */
export class BeliefModel {
  readonly #minutes = new Map<string, Minute>();
  epoch = "";
  fs = 0;
  /** Up to here reads are repeatable. */
  horizon = 0;

  /** What a drain must end with: nothing wrong, or the SQLSTATE and the stored number. */
  drainFault(epoch: string, from: number, to: number): readonly [string, number] | null {
    if (epoch < this.epoch) return ["MDS03", this.fs];
    const stored = epoch === this.epoch ? this.fs : 0;
    if (stored >= to) return ["MDS01", stored];
    return stored === from - 1 ? null : ["MDS02", stored];
  }

  drain(epoch: string, flushes: readonly ModelFlush[]): void {
    for (const { asOf, bars } of flushes) {
      for (const { symbol, ts, close } of bars) {
        const minute = this.#minute(symbol, ts);
        const isLate = minute.current !== null && minute.current.asOf > asOf;
        if (isLate) minute.beliefs.push({ asOf, close });
        else this.#believe(minute, asOf, close);
      }
    }
    this.epoch = epoch;
    this.fs = flushes.at(-1)?.fs ?? this.fs;
    this.promise(flushes.at(-1)?.asOf ?? 0);
  }

  promise(asOf: number): void {
    this.horizon = Math.max(this.horizon, asOf);
  }

  /** The history lane stores what differs from what is believed now, above everything that was promised. */
  history(symbol: string, ts: number, close: number, nowMs: number): void {
    const minute = this.#minute(symbol, ts);
    if (minute.current?.close === close) return;
    this.#believe(minute, Math.max(nowMs, this.horizon) + 1, close);
  }

  /** Somebody changes the row, and says nothing of knowledge time. */
  update(symbol: string, ts: number, close: number): void {
    const minute = this.#minute(symbol, ts);
    if (minute.current !== null) this.#believe(minute, minute.current.asOf, close);
  }

  delete(symbol: string, ts: number): void {
    this.#minute(symbol, ts).current = null;
  }

  /** Every minute that had a belief at T, by symbol and time. */
  read(asOf: number): ModelBar[] {
    return [...this.#minutes.values()]
      .flatMap(({ symbol, ts, beliefs }): ModelBar[] => {
        const known = beliefs.filter((belief) => belief.asOf <= asOf);
        const newest = known.toSorted((a, b) => b.asOf - a.asOf)[0];
        return newest === undefined ? [] : [[symbol, ts, newest.close, newest.asOf]];
      })
      .toSorted((a, b) => (a[0] === b[0] ? a[1] - b[1] : a[0] < b[0] ? -1 : 1));
  }

  /** Knowledge time only moves forward: what does not raise it gets one above everything promised. */
  #believe(minute: Minute, asOf: number, close: number): void {
    const before = minute.current?.asOf ?? 0;
    const belief = { close, asOf: asOf > before ? asOf : Math.max(before, this.horizon) + 1 };
    minute.beliefs.push(belief);
    minute.current = belief;
  }

  #minute(symbol: string, ts: number): Minute {
    const key = `${symbol} ${ts}`;
    const minute = this.#minutes.get(key) ?? { symbol, ts, beliefs: [], current: null };
    this.#minutes.set(key, minute);
    return minute;
  }
}
