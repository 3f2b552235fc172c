import type { Context } from "hono";
import type { z } from "zod";
import { BodyTooLargeError, readBody } from "../platform/read-body.ts";
import type { ApiEnv } from "./api-env.ts";
import { faultsOf } from "./parse-query.ts";
import { problem } from "./problem.ts";

/** How large a body may be, and in words what it is, for whoever sent another. */
export interface BodyShape<Schema extends z.ZodType> {
  readonly schema: Schema;
  readonly maxBytes: number;
  readonly words: string;
  /** Whether no body at all counts as an empty object. */
  readonly mayBeEmpty?: boolean;
}

/** The parsed JSON body, or the problem to answer with: 413 when it is too large, 422 with every fault. */
export async function readJsonBody<Schema extends z.ZodType>(
  context: Context<ApiEnv>,
  { schema, maxBytes, words, mayBeEmpty = false }: BodyShape<Schema>,
): Promise<{ readonly body: z.output<Schema> } | { readonly refused: Response }> {
  const text = await readText(context, maxBytes);
  if (text === null) {
    const detail = `a body has at most ${maxBytes} bytes`;
    return { refused: problem(context, 413, { code: "body_too_large", detail }) };
  }
  const parsed = schema.safeParse(mayBeEmpty && text.trim() === "" ? {} : parseJson(text));
  if (parsed.success) return { body: parsed.data };
  const extra = { errors: faultsOf(parsed.error) };
  return { refused: problem(context, 422, { code: "invalid_body", detail: words, extra }) };
}

/** The body's text, null when it has more bytes; what a client says of its length is not relied on. */
async function readText(context: Context<ApiEnv>, maxBytes: number): Promise<string | null> {
  if (Number(context.req.header("content-length") ?? 0) > maxBytes) return null;
  try {
    return await readBody(context.req.raw.body, maxBytes);
  } catch (error) {
    if (error instanceof BodyTooLargeError) return null;
    throw error;
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
