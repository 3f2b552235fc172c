/** A daily bar as it was written, `asOf` in ms; `lane` says by whom. */
export interface StoredDay {
  readonly symbol: string;
  readonly ts: number;
  readonly close: number;
  readonly revision: number;
  readonly provider: string;
  readonly status: string;
  readonly asOf: number;
  readonly askedAt: number;
  readonly lane: "flush" | "history";
}

type Column = (index: number) => readonly string[];
type Argument = (index: number) => string;

/** Daily bars, or what the history lane writes, of the fake Postgres: believed now, and every write in order. */
export class FakeDaily {
  readonly written: StoredDay[] = [];

  /** What is believed of each key now. */
  now(): Map<string, StoredDay> {
    return new Map(this.written.map((day) => [`${day.symbol} ${day.ts}`, day]));
  }

  /** The daily bars of a drained flush. */
  store(column: Column, argument: Argument): void {
    column(1).forEach((symbol, at) =>
      this.written.push({
        symbol,
        ts: Number(column(2)[at]),
        close: Number(column(6)[at]),
        revision: Number(column(10)[at]),
        provider: column(11)[at] ?? "",
        status: column(13)[at] ?? "",
        askedAt: Number(column(14)[at]),
        asOf: Date.parse(argument(15)),
        lane: "flush",
      }),
    );
  }

  /** A write of the history lane: only over the revision before its own; answers what was written. */
  write(column: Column, argument: Argument): StoredDay[] {
    const before = this.now();
    const days = column(6).map((symbol, at): StoredDay => ({
      symbol,
      ts: Date.parse(column(7)[at] ?? ""),
      close: Number(column(11)[at]),
      revision: Number(column(15)[at]),
      provider: argument(4),
      status: column(17)[at] ?? "",
      askedAt: Date.parse(argument(3)),
      asOf: Date.parse(argument(1)) + 1,
      lane: "history",
    }));
    const written = days.filter(
      (day) => (before.get(`${day.symbol} ${day.ts}`)?.revision ?? -1) === day.revision - 1,
    );
    this.written.push(...written);
    return written;
  }

  /** What is believed of the keys that are asked for. */
  read(column: Column): StoredDay[] {
    const now = this.now();
    return column(1).flatMap((symbol, at) => {
      const day = now.get(`${symbol} ${Date.parse(column(2)[at] ?? "")}`);
      return day === undefined ? [] : [day];
    });
  }
}
