import type { HttpResponse, ProviderDeps } from "../../src/providers/provider.ts";

/** A request as an adapter made it. */
export interface MadeRequest {
  readonly url: string;
  readonly headers: Record<string, string>;
  readonly timeoutMs: number;
}

/** What an adapter is handed in a test, and what it did with it. Every call takes 7 ms. */
export interface ScriptedDeps {
  readonly deps: ProviderDeps;
  readonly requests: MadeRequest[];
  /** Credits taken. */
  readonly spent: () => number;
}

/** Deps whose answers come from `answer`; a test overrides what it wants to see fail. */
export function scriptedDeps(
  answer: (url: URL, index: number) => HttpResponse | Promise<HttpResponse>,
  nowMs: number,
  overrides: Partial<ProviderDeps> = {},
): ScriptedDeps {
  const requests: MadeRequest[] = [];
  let elapsedMs = 0;
  let credits = 0;
  const deps: ProviderDeps = {
    get: async (url, { headers, timeoutMs }) => {
      requests.push({ url, headers, timeoutMs });
      elapsedMs += 7;
      return answer(new URL(url), requests.length - 1);
    },
    now: () => nowMs,
    elapsed: () => elapsedMs,
    timeoutMs: 4_000,
    spend: async () => {
      credits += 1;
    },
    ...overrides,
  };
  return { deps, requests, spent: () => credits };
}

/** A 200 with a JSON body. */
export function jsonAnswer(body: unknown): HttpResponse {
  return { status: 200, headers: {}, body: JSON.stringify(body) };
}

/** An HTML page, as gateways send it. */
export function htmlAnswer(status: number): HttpResponse {
  const body = "<html><body><h1>Please wait</h1></body></html>";
  return { status, headers: { "content-type": "text/html" }, body };
}
