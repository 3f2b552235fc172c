import type { HttpGet, HttpResponse } from "./provider.ts";
import { BodyTooLargeError, type ReadableBody, readBody } from "../platform/read-body.ts";
import { withTimeout } from "../platform/timers.ts";
import { ProviderError } from "./provider-error.ts";

/**
 * Largest body that is read, bytes. The largest answer we ask for, a whole market's daily bars, is
 * 3-5 MB; a Worker has 128 MB for everything.
 */
export const MAX_BODY_BYTES = 32 * 1_024 * 1_024;

/** The part of `Response` that is read; both the platform's and Node's fit. */
interface FetchResponse {
  readonly status: number;
  readonly headers: Iterable<[string, string]>;
  readonly body: ReadableBody | null;
}

/** The part of `fetch` that is used. */
export type Fetch = (
  url: string,
  init: { headers: Record<string, string>; signal: AbortSignal; redirect: "manual" },
) => Promise<FetchResponse>;

/**
 * Makes the way out to the network over a `fetch` that is passed in. The timeout covers the whole
 * answer, body included. Throws `ProviderError`: `timeout` when time ran out, `malformed` when the
 * body is larger than `maxBodyBytes`, `unavailable` for any other fault of the network.
 */
export function createHttpGet(fetch: Fetch, maxBodyBytes: number = MAX_BODY_BYTES): HttpGet {
  return async (url, { headers, timeoutMs }) => {
    let timedOut = false;
    try {
      return await withTimeout(timeoutMs, async (signal) => {
        signal.addEventListener("abort", () => (timedOut = true));
        // A redirect is not followed: it would carry the key headers to another host.
        const response = await fetch(url, { headers, signal, redirect: "manual" });
        return await readResponse(response, maxBodyBytes);
      });
    } catch (error) {
      if (error instanceof BodyTooLargeError) throw new ProviderError("malformed", error.message);
      if (timedOut) throw new ProviderError("timeout", `no answer within ${timeoutMs} ms`);
      throw new ProviderError("unavailable", `no answer: ${faultName(error)}`);
    }
  };
}

async function readResponse(response: FetchResponse, maxBodyBytes: number): Promise<HttpResponse> {
  const headers: Record<string, string> = {};
  for (const [name, value] of response.headers) headers[name.toLowerCase()] = value;
  const body = await readBody(response.body, maxBodyBytes);
  return { status: response.status, headers, body };
}

/** Names a fault without its message: some runtimes put the whole URL in it. */
function faultName(error: unknown): string {
  if (!(error instanceof Error)) return "unknown fault";
  const { cause } = error;
  const code =
    typeof cause === "object" && cause !== null && "code" in cause ? cause.code : undefined;
  return typeof code === "string" ? `${error.name} ${code}` : error.name;
}
