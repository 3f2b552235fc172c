import type { Context } from "hono";
import type { z } from "zod";
import type { ApiEnv } from "./api-env.ts";
import { problem } from "./problem.ts";

/** How large a body may be, and in words what it is, for whoever sent another. */
export interface BodyShape<Schema extends z.ZodType> {
  readonly schema: Schema;
  readonly maxBytes: number;
  readonly words: string;
}

/** The parsed JSON body, or the problem to answer with: 413 when it is too large, 422 with every fault. */
export async function readJsonBody<Schema extends z.ZodType>(
  context: Context<ApiEnv>,
  { schema, maxBytes, words }: BodyShape<Schema>,
): Promise<{ readonly body: z.output<Schema> } | { readonly refused: Response }> {
  const length = Number(context.req.header("content-length") ?? 0);
  const text = length > maxBytes ? null : await context.req.text();
  if (text === null || text.length > maxBytes) {
    const detail = `a body has at most ${maxBytes} bytes`;
    return { refused: problem(context, 413, { code: "body_too_large", detail }) };
  }
  const parsed = schema.safeParse(parseJson(text));
  if (parsed.success) return { body: parsed.data };
  const errors = parsed.error.issues.map((issue) => ({
    field: issue.path.join("."),
    message: issue.message,
  }));
  const extra = { errors };
  return { refused: problem(context, 422, { code: "invalid_body", detail: words, extra }) };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
