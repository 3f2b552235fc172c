import { z } from "zod";
import type { SqlRow } from "./sql-client.ts";

/** How a column of a block travels: `text` has no comma and is never null, `instant` is a timestamptz. */
export type BlockKind = "text" | "value" | "instant";

const SELECTED: Readonly<Record<BlockKind, (column: string) => string>> = {
  text: (column) => `string_agg(${column}, ',')`,
  value: (column) => `array_agg(${column})::text`,
  instant: (column) => `array_agg(date_part('epoch', ${column}))::text`,
};

const blockRow = z.record(z.string(), z.string().nullable());

/**
 * A statement that answers the rows of `read`, in their order, as one row: each column's values in one text. Ten
 * thousand bars are sixteen fields then and not 160,000, which the wire, the driver and a check of every row would
 * take longer for than Postgres does to find them. `read` has the columns that are named and is ordered.
 */
export function blockSql(columns: Readonly<Record<string, BlockKind>>, read: string): string {
  const selected = Object.entries(columns).map(
    ([column, kind]) => `${SELECTED[kind](`block.${column}`)} as ${column}`,
  );
  return `select ${selected.join(", ")} from (${read}) block`;
}

/** The columns of a statement of `blockSql`, each read and checked as a whole. All reads throw a TypeError for what is no such value. */
export class RowBlock {
  /** How many rows there are. */
  readonly size: number;
  #texts: ReadonlyMap<string, readonly string[]>;

  constructor(rows: readonly SqlRow[]) {
    const row = blockRow.parse(rows[0] ?? {});
    const texts = Object.entries(row).flatMap(([column, text]) =>
      text === null ? [] : [[column, valuesOf(text)] as const],
    );
    this.#texts = new Map(texts);
    this.size = texts[0]?.[1].length ?? 0;
    const odd = texts.find(([, values]) => values.length !== this.size);
    if (odd !== undefined || (texts.length > 0 && texts.length < Object.keys(row).length))
      throw new TypeError("the columns of a block are not of one length");
  }

  texts(column: string): readonly string[] {
    return this.#column(column, (text) => text);
  }

  /** Texts of which each is one of a few. */
  oneOf<T extends string>(column: string, allowed: readonly T[]): readonly T[] {
    const known = new Map<string, T>(allowed.map((value) => [value, value]));
    return this.#column(column, (text) => known.get(text) ?? refuse(column, text));
  }

  numbers(column: string): readonly number[] {
    return this.#column(column, (text) => finite(column, text));
  }

  numbersOrNull(column: string): readonly (number | null)[] {
    return this.#column(column, (text) => (text === "NULL" ? null : finite(column, text)));
  }

  /** Whole numbers that are exact. */
  integers(column: string): readonly number[] {
    return this.#column(column, (text) => exact(column, text));
  }

  integersOrNull(column: string): readonly (number | null)[] {
    return this.#column(column, (text) => (text === "NULL" ? null : exact(column, text)));
  }

  booleans(column: string): readonly boolean[] {
    return this.#column(column, (text) => text === "t" || (text !== "f" && refuse(column, text)));
  }

  /** Instants as epoch ms. */
  instants(column: string): readonly number[] {
    return this.#column(column, (text) => Math.round(finite(column, text) * 1_000));
  }

  #column<T>(column: string, read: (text: string) => T): T[] {
    const texts = this.#texts.get(column);
    if (texts === undefined && this.size > 0) throw new TypeError(`a block without ${column}`);
    return (texts ?? []).map(read);
  }
}

/** The value of a column in a row of the block. */
export function at<T>(column: readonly T[], index: number): T {
  const value = column[index];
  if (value === undefined) throw new RangeError(`a block has no row ${index}`);
  return value;
}

/** An array's text, or texts joined by commas. */
function valuesOf(text: string): readonly string[] {
  return (text.startsWith("{") ? text.slice(1, -1) : text).split(",");
}

function finite(column: string, text: string): number {
  const value = text === "" ? Number.NaN : Number(text);
  return Number.isFinite(value) ? value : refuse(column, text);
}

function exact(column: string, text: string): number {
  const value = Number(text);
  return text !== "" && Number.isSafeInteger(value) ? value : refuse(column, text);
}

function refuse(column: string, text: string): never {
  throw new TypeError(`${column} holds ${JSON.stringify(text.slice(0, 40))}`);
}
