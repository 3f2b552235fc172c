import { type FlushRow, parseFlush } from "../contracts/flush.ts";
import type { StreamLog } from "./stream-log.ts";

/** The log is read in pieces of this size. */
const READ_BYTES = 1_024 * 1_024;
const READ_FLUSHES = 1_000;

/** The last bars of a group: by symbol, of minutes and of dates. */
export interface BarsByChannel {
  readonly minutes: ReadonlyMap<string, FlushRow>;
  readonly dates: ReadonlyMap<string, FlushRow>;
}

/**
 * The last bar of each symbol as the log has it, which is the trading session at least. Made when it is
 * first asked for, since most objects never are, and from then on from what was appended since.
 */
export class LatestBars {
  #stream: StreamLog;
  #epoch = "";
  #fs = 0;
  #minutes = new Map<string, FlushRow>();
  #dates = new Map<string, FlushRow>();

  constructor(stream: StreamLog) {
    this.#stream = stream;
  }

  read(): BarsByChannel {
    const { log } = this.#stream;
    if (this.#stream.epoch() !== this.#epoch) {
      this.#epoch = this.#stream.epoch();
      this.#fs = 0;
    }
    const { fs: headFs } = this.#stream.head();
    while (this.#fs < headFs) {
      const flushes = log.readAfter(this.#fs, READ_FLUSHES, READ_BYTES);
      for (const { payload } of flushes) {
        const { rows, daily } = parseFlush(payload);
        for (const row of rows) keepLatest(this.#minutes, row);
        for (const row of daily) keepLatest(this.#dates, row);
      }
      this.#fs = flushes.at(-1)?.fs ?? headFs;
    }
    return { minutes: this.#minutes, dates: this.#dates };
  }
}

/** A later flush about the same bar is its later revision. */
function keepLatest(latest: Map<string, FlushRow>, row: FlushRow): void {
  const known = latest.get(row[0]);
  if (known === undefined || row[1] >= known[1]) latest.set(row[0], row);
}
