import type { EpochMs } from "../../../src/domain/time.ts";
import { parseStreamName, type Position } from "../../../src/stream/token.ts";
import type { ReadFlush } from "./frame-reader.ts";
import type { Tenure } from "./owed.ts";
import { RowMarks } from "./row-book.ts";
import type { Choice } from "./wants.ts";

/** A tenure that runs. */
interface Running {
  readonly fromMs: EpochMs;
  readonly symbols: Choice;
}

/**
 * What one client has, whatever connection it came by: its position in each stream, a bit for each row, and what
 * it was owed when. Nothing here is of a socket, so that a drop changes nothing.
 */
export class ClientBook {
  readonly marks = new RowMarks();
  /** Flushes that came a second time, and numbers that did not continue. */
  duplicateFlushes = 0;
  breaks = 0;
  badManifests = 0;
  #positions = new Map<string, Position>();
  #running = new Map<string, Running>();
  #ended: Tenure[] = [];

  get positions(): ReadonlyMap<string, Position> {
    return this.#positions;
  }

  /** Follows a stream from here on; of bars it is owed these symbols from here on. */
  start(stream: string, at: Position, symbols: Choice): void {
    this.#positions.set(stream, at);
    if (isBars(stream)) this.#running.set(stream, { fromMs: at.at, symbols });
  }

  /** Follows a stream no more. */
  leave(stream: string): void {
    this.#end(stream);
    this.#positions.delete(stream);
  }

  /** From where it is in each stream of bars, it is owed these symbols. */
  choose(symbols: Choice): void {
    // What is set again comes again: those that have changed are chosen first.
    const changed = [...this.#running.keys()].filter((stream) => this.choiceOf(stream) !== symbols);
    for (const stream of changed) {
      const position = this.#positions.get(stream);
      if (position === undefined) continue;
      this.#end(stream);
      this.#running.set(stream, { fromMs: position.at, symbols });
    }
  }

  /** The symbols of bars that it is owed of a stream now. */
  choiceOf(stream: string): Choice {
    return this.#running.get(stream)?.symbols ?? [];
  }

  /** The next flush of a stream. What does not continue it is counted, and taken all the same. */
  take(flush: ReadFlush): void {
    const before = this.#positions.get(flush.g);
    const isKnown = before !== undefined && before.epoch === flush.e && flush.fs <= before.fs;
    if (isKnown) this.duplicateFlushes += 1;
    else {
      if (before === undefined || before.epoch !== flush.e || flush.fs !== before.fs + 1)
        this.breaks += 1;
      if (before !== undefined)
        this.#positions.set(flush.g, { epoch: flush.e, fs: flush.fs, at: flush.at });
    }
    this.badManifests += flush.badManifests;
    for (const id of flush.rows) this.marks.mark(id);
  }

  /** Rows that came by another way, up to a position. */
  takeRows(stream: string, ids: Iterable<number>, until: Position): void {
    for (const id of ids) this.marks.mark(id);
    this.#positions.set(stream, until);
  }

  /** Goes on elsewhere in a stream: the last values of it have come, or it has begun anew. */
  jump(stream: string, to: Position): void {
    if (this.#positions.has(stream)) this.#positions.set(stream, to);
  }

  /** Everything that it was owed up to where it is. */
  tenures(): Tenure[] {
    const running = Array.from(this.#running, ([stream, { fromMs, symbols }]): Tenure => {
      return { stream, fromMs, toMs: this.#positions.get(stream)?.at ?? fromMs, symbols };
    });
    return [...this.#ended, ...running];
  }

  #end(stream: string): void {
    const running = this.#running.get(stream);
    const position = this.#positions.get(stream);
    this.#running.delete(stream);
    if (running === undefined || position === undefined || position.at <= running.fromMs) return;
    this.#ended.push({ ...running, stream, toMs: position.at });
  }
}

/** Whether a stream is one of bars; of quotes only the last are owed. */
export function isBars(stream: string): boolean {
  return parseStreamName(stream)?.class === "bars";
}
