import { z } from "zod";

type CellCheck = (value: unknown) => boolean;

/**
 * A list of rows, each as the tuple says. The same as `z.array(row)`, which takes a millisecond and more for a hundred
 * rows: every host reads every flush. What fails is told as `z.array(row)` tells it. Cells must not be transformed.
 */
export function rowsOf<Row extends z.ZodTuple>(row: Row) {
  if (row.def.rest !== null) throw new TypeError("a row has a length");
  const checks = row.def.items.map(cellCheck);
  const isRow = (value: unknown) =>
    Array.isArray(value) &&
    value.length === checks.length &&
    checks.every((check, place) => check(value[place]));
  return z.custom<z.infer<Row>[]>((rows) => Array.isArray(rows) && rows.every(isRow), {
    error: ({ input }) => z.array(row).safeParse(input).error?.message ?? "not a list of rows",
  });
}

function cellCheck(schema: unknown): CellCheck {
  if (schema instanceof z.ZodNullable) {
    const check = cellCheck(schema.unwrap());
    return (value) => value === null || check(value);
  }
  if (schema instanceof z.ZodEnum) {
    const options = new Set<unknown>(schema.options);
    return (value) => options.has(value);
  }
  if (schema instanceof z.ZodBoolean) return (value) => typeof value === "boolean";
  if (schema instanceof z.ZodString && isPlain(schema)) return (value) => typeof value === "string";
  if (schema instanceof z.ZodNumber && isPlain(schema)) return Number.isFinite;
  if (schema instanceof z.ZodType) return (value) => schema.safeParse(value).success;
  throw new TypeError("a row has a cell that is no schema");
}

/** A type without a further condition, such as that a number is whole. */
const isPlain = ({ def }: z.ZodType) =>
  !("check" in def) && (def.checks === undefined || def.checks.length === 0);
