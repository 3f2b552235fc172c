/** What a cell of a row may hold. Null is "not given": an empty field in CSV; a list is its JSON text there. */
export type Cell = string | number | boolean | null | readonly unknown[];
/** A row of an answer: its cells by the names of their columns. */
export type Row = Readonly<Record<string, Cell>>;

const NEEDS_QUOTES = /[",\r\n]/;

/** One JSON object a line, each ended by a line feed; no rows are an empty text. */
export function encodeNdjson(rows: readonly Row[]): string {
  return rows.map((row) => `${JSON.stringify(row)}\n`).join("");
}

/**
 * A header line with the columns, then a record a row; a column that a row lacks is an empty field.
 * Numbers are written as JSON writes them. Source: RFC 4180 (CRLF ends every record; quotes are doubled).
 */
export function encodeCsv(columns: readonly string[], rows: readonly Row[]): string {
  const records = rows.map((row) => columns.map((column) => csvField(row[column] ?? null)));
  return [columns.map(csvField), ...records].map((fields) => `${fields.join(",")}\r\n`).join("");
}

function csvField(cell: Cell): string {
  const text = cell === null ? "" : typeof cell === "object" ? JSON.stringify(cell) : String(cell);
  return NEEDS_QUOTES.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
