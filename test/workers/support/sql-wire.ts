/** Postgres's numbers of the types that answers have. */
export const BOOL = 16;
export const TEXT = 25;
export const INT4 = 23;
export const INT8 = 20;
export const FLOAT8 = 701;
export const TIMESTAMPTZ = 1184;
export const JSONB = 3802;

/** A result as Neon's driver reads it: values as Postgres prints them, rows as arrays. */
export function result(
  fields: readonly (readonly [name: string, dataTypeID: number])[],
  rows: readonly (readonly (string | null)[])[],
) {
  return {
    command: "SELECT",
    rowCount: rows.length,
    fields: fields.map(([name, dataTypeID]) => ({ name, dataTypeID })),
    rows,
    rowAsArray: true,
  };
}

/** The same rows as `blockSql` has them: one row, each column in one text. */
export function blockResult(...[fields, rows]: Parameters<typeof result>) {
  const columns = fields.map(([, type], place): string | null => {
    const values = rows.map((row) => row[place] ?? null);
    if (rows.length === 0) return null;
    if (type === TEXT) return values.join(",");
    const printed = values.map((value) =>
      type === TIMESTAMPTZ && value !== null ? Date.parse(value) / 1_000 : (value ?? "NULL"),
    );
    return `{${printed.join(",")}}`;
  });
  return result(
    fields.map(([name]) => [name, TEXT] as const),
    [columns],
  );
}

/** A timestamptz as Postgres prints it. */
export function timestamp(ms: number): string {
  return new Date(ms).toISOString().replace("T", " ").replace("Z", "+00");
}

/** The elements of a one-dimensional Postgres array; NULL as the empty string. */
export function parseArray(text: string): string[] {
  const body = text.slice(1, -1);
  if (body === "") return [];
  return Array.from(body.matchAll(/"((?:[^"\\]|\\.)*)"|([^,]+)/g), ([, quoted, plain]) =>
    quoted === undefined
      ? plain === "NULL"
        ? ""
        : (plain ?? "")
      : quoted.replaceAll(/\\(.)/g, "$1"),
  );
}
