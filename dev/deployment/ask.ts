import { z } from "zod";

/** What came of one question over HTTP. `body` is the parsed JSON, or the text when it is none. */
export type Answer =
  | { readonly kind: "answer"; readonly status: number; readonly body: unknown }
  | { readonly kind: "silent"; readonly why: string };

/** A deployment takes a few seconds at most, for its own waits are bounded. */
const TIMEOUT_MS = 15_000;
const MAX_TEXT = 300;

/** Asks with GET. Never rejects. */
export async function ask(
  url: string,
  headers: Readonly<Record<string, string>>,
  request: typeof fetch = fetch,
): Promise<Answer> {
  try {
    const response = await request(url, { headers, signal: AbortSignal.timeout(TIMEOUT_MS) });
    return { kind: "answer", status: response.status, body: readBody(await response.text()) };
  } catch (error) {
    return { kind: "silent", why: textOf(error) };
  }
}

/** What is wrong with an answer that is not the expected one, in a few words. */
export function faultOf(answer: Answer): string {
  if (answer.kind === "silent") return `no answer: ${answer.why}`;
  const problem = problemSchema.safeParse(answer.body);
  const detail = problem.success ? problem.data.detail : String(answer.body).slice(0, MAX_TEXT);
  return `HTTP ${answer.status}${problem.success || typeof answer.body === "string" ? `: ${detail}` : ""}`;
}

/** The code of a problem detail; null when the answer is none. */
export function problemCode(answer: Answer): string | null {
  if (answer.kind === "silent") return null;
  const problem = problemSchema.safeParse(answer.body);
  return problem.success ? problem.data.code : null;
}

const problemSchema = z.looseObject({ code: z.string(), detail: z.string() });

function readBody(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** A network fault hides its reason one level down. */
function textOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause instanceof Error ? ` (${error.cause.message})` : "";
  return `${error.message}${cause}`.slice(0, MAX_TEXT);
}
