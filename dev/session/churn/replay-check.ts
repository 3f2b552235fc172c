import { Crc32c } from "../../../src/stream/crc32c.ts";
import type { ReadFlush } from "./frame-reader.ts";

/** What a replay's last frame says of it. */
export interface Trailer {
  readonly fs: number;
  readonly count: number;
  readonly crc32c: string;
}

/** A replay on the socket while it comes: what its trailer is held against. */
export class ReplayCheck {
  chars = 0;
  #from: number;
  #to: number | null;
  #next: number;
  #rows = 0;
  #crc = new Crc32c();
  #inOrder = true;

  /** From flush `from` to flush `to`; null: to wherever the trailer says. */
  constructor(from: number, to: number | null) {
    this.#from = from;
    this.#to = to;
    this.#next = from;
  }

  add(flush: ReadFlush, text: string): void {
    if (flush.fs !== this.#next) this.#inOrder = false;
    this.#next = flush.fs + 1;
    this.#rows += flush.rowCount;
    this.#crc.update(text);
    this.chars += text.length;
  }

  /** What of the replay does not match; null when it is what was promised. */
  fault({ fs, count, crc32c }: Trailer): string | null {
    if (!this.#inOrder) return `its flushes do not follow one another from ${this.#from}`;
    if (fs !== this.#next - 1 || (this.#to !== null && fs !== this.#to))
      return `it ends with ${this.#next - 1}, the trailer says ${fs}, promised was ${this.#to ?? "any"}`;
    if (count !== this.#rows) return `${this.#rows} rows came, the trailer says ${count}`;
    return crc32c === this.#crc.digest() ? null : "its checksum is another";
  }
}
