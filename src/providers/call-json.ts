import type { z } from "zod";
import type { ProviderId } from "../domain/provider-id.ts";
import type { EpochMs } from "../domain/time.ts";
import type { HttpResponse, ProviderCall, ProviderDeps } from "./provider.ts";
import { ProviderError } from "./provider-error.ts";

/** One GET whose 200 is JSON of a known shape. */
export interface JsonCall<T> {
  readonly provider: ProviderId;
  /** Label of the metrics and of health, for example `bars`. */
  readonly endpoint: string;
  readonly url: string;
  readonly headers: Record<string, string>;
  readonly schema: z.ZodType<T>;
  /** Rewrites the body before it is parsed, where plain parsing would lose digits. */
  readonly prepare?: (body: string) => string;
  /** Judges what the schema can't (a repeated cursor, a foreign symbol) by throwing `malformed`. */
  readonly check: (value: T) => void;
  /** Names the fault of any status but 200. */
  readonly toError: (response: HttpResponse, nowMs: EpochMs) => ProviderError;
}

/**
 * Spends one credit, makes the call, and records it in `calls` under the verdict on its answer, so
 * that an answer we can't use lowers health like an outage. Throws `ProviderError`. When there is no
 * credit nothing is recorded: no call was made.
 */
export async function callJson<T>(
  call: JsonCall<T>,
  deps: ProviderDeps,
  calls: ProviderCall[],
): Promise<T> {
  await deps.spend();
  const startedMs = deps.elapsed();
  let answeredMs: number | null = null;
  const record = (code: ProviderCall["code"]): void => {
    const durationMs = (answeredMs ?? deps.elapsed()) - startedMs;
    calls.push({ provider: call.provider, endpoint: call.endpoint, code, durationMs });
  };
  try {
    const response = await deps.get(call.url, { headers: call.headers, timeoutMs: deps.timeoutMs });
    answeredMs = deps.elapsed();
    if (response.status !== 200) throw call.toError(response, deps.now());
    const value = parseBody(call.prepare?.(response.body) ?? response.body, call.schema);
    call.check(value);
    record("ok");
    return value;
  } catch (error) {
    if (error instanceof ProviderError) record(error.kind);
    throw error;
  }
}

function parseBody<T>(body: string, schema: z.ZodType<T>): T {
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch {
    throw new ProviderError("malformed", `not JSON (${body.length} characters)`, { status: 200 });
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const where = issue === undefined ? "" : `: ${issue.path.join(".")} ${issue.code}`;
  throw new ProviderError("malformed", `unknown shape${where}`, { status: 200 });
}
