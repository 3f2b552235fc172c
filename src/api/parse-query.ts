import type { Context } from "hono";
import type { z } from "zod";
import type { ApiEnv } from "./api-env.ts";
import { problem } from "./problem.ts";

/** A fault of a request: which field, and what is wrong with it. */
export interface FieldFault {
  readonly field: string;
  readonly message: string;
}

/**
 * The query held against its schema, or the 422 with every fault by its field. Strict: a parameter that the route
 * does not know is most likely a misspelt one, and one given twice is most likely meant as a list; both are faults.
 */
export function parseQuery<Query extends z.ZodObject>(
  context: Context<ApiEnv>,
  schema: Query,
): { readonly query: z.output<Query> } | { readonly refused: Response } {
  const given = context.req.queries();
  const faults = Object.entries(given).flatMap(([field, values]): FieldFault[] => {
    if (!Object.hasOwn(schema.shape, field)) return [{ field, message: "no such parameter" }];
    return values.length > 1 ? [{ field, message: "given more than once" }] : [];
  });
  const parsed = schema.safeParse(context.req.query());
  if (parsed.success && faults.length === 0) return { query: parsed.data };
  return { refused: invalidParameters(context, [...faults, ...faultsOf(parsed.error)]) };
}

/** The faults that a schema found, by their fields. */
export function faultsOf(error: z.ZodError | undefined): FieldFault[] {
  return (error?.issues ?? []).map(({ path, message }) => ({ field: path.join("."), message }));
}

/** The 422 for parameters that are not valid. */
export function invalidParameters(
  context: Context<ApiEnv>,
  errors: readonly FieldFault[],
): Response {
  const [first] = errors;
  const detail =
    first === undefined ? "a parameter is not valid" : `${first.field}: ${first.message}`;
  return problem(context, 422, { code: "invalid_parameter", detail, extra: { errors } });
}
