import {
  type FlushFrame,
  flushFrameSchema,
  type ServerFrame,
  serverFrameSchema,
} from "../../../src/contracts/stream.ts";
import type { RowBook } from "./row-book.ts";

/** A flush as the clients of a run need it: its place, and the names of its rows. */
export interface ReadFlush {
  readonly g: string;
  readonly e: string;
  readonly fs: number;
  readonly at: number;
  /** Ids of rows of minutes; those that are not accounted for are left out. */
  readonly rows: Uint32Array;
  /** All rows that it carries, as a trailer counts them. */
  readonly rowCount: number;
  readonly isReplayed: boolean;
  /** Manifest entries that do not add up. */
  readonly badManifests: number;
  readonly chars: number;
}

type OtherFrame = Exclude<ServerFrame, { op: "flush" | "batch" }>;
/** A frame as read: its flushes, each with its own text, or something else. */
export type ReadFrame =
  | { readonly flushes: readonly { readonly flush: ReadFlush; readonly text: string }[] }
  | { readonly other: OtherFrame };

const FLUSH_START = '{"op":"flush",';
const BATCH_START = '{"op":"batch","flushes":[';
const BATCH_END = "]}";
/** Between two flushes of a batch. Inside a JSON text an unescaped `"` ends a string: it stands nowhere else. */
const BETWEEN = `,${FLUSH_START}`;

/** Texts of flushes that are remembered, in characters: some minutes of a whole market in all its views. */
const MAX_KNOWN_CHARS = 48 * 1_024 * 1_024;

/**
 * Reads frames for all clients of a run. A flush is parsed once however many clients get it in the same words, in
 * whatever batches; the oldest are forgotten.
 */
export class FrameReader {
  /** Flushes that were read, and those of them that had to be parsed. */
  read = 0;
  parsed = 0;
  #book: RowBook;
  #known = new Map<string, ReadFlush>();
  #knownChars = 0;

  constructor(book: RowBook) {
    this.#book = book;
  }

  /** Throws when it is not a frame of the protocol. */
  frame(text: string): ReadFrame {
    if (text.startsWith(FLUSH_START)) return { flushes: [this.#flushOf(text)] };
    if (text.startsWith(BATCH_START) && text.endsWith(BATCH_END)) {
      const inner = text.slice(BATCH_START.length, -BATCH_END.length);
      const parts = inner.split(BETWEEN);
      return {
        flushes: parts.map((part, at) => this.#flushOf(at === 0 ? part : FLUSH_START + part)),
      };
    }
    const frame = serverFrameSchema.parse(JSON.parse(text));
    if (frame.op === "flush") return { flushes: [{ flush: this.flush(frame, text.length), text }] };
    if (frame.op === "batch") {
      const flushes = frame.flushes.map((flush) => {
        const own = JSON.stringify(flush);
        return { flush: this.flush(flush, own.length), text: own };
      });
      return { flushes };
    }
    return { other: frame };
  }

  /** A parsed flush as the clients need it. */
  flush(frame: FlushFrame, chars: number): ReadFlush {
    this.parsed += 1;
    const rows = frame.bars?.rows ?? [];
    const ids =
      frame.bars?.ch === "bars.1m"
        ? rows.map((row) => this.#book.idOf({ symbol: row[0], ts: row[1], revision: row[9] }))
        : [];
    return {
      g: frame.g,
      e: frame.e,
      fs: frame.fs,
      at: frame.at,
      rows: Uint32Array.from(ids.filter((id) => id !== null)),
      rowCount: rows.length + (frame.quotes?.rows.length ?? 0),
      isReplayed: frame.rp === 1,
      badManifests: (frame.man ?? []).filter(
        ([, expected, got, noTrade, missing, pending]) =>
          expected !== got + noTrade + missing + pending,
      ).length,
      chars,
    };
  }

  #flushOf(text: string): { flush: ReadFlush; text: string } {
    this.read += 1;
    const known = this.#known.get(text);
    if (known !== undefined) return { flush: known, text };
    const flush = this.flush(flushFrameSchema.parse(JSON.parse(text)), text.length);
    this.#known.set(text, flush);
    this.#knownChars += text.length;
    for (const oldest of this.#known.keys()) {
      if (this.#knownChars <= MAX_KNOWN_CHARS) break;
      this.#known.delete(oldest);
      this.#knownChars -= oldest.length;
    }
    return { flush, text };
  }
}
