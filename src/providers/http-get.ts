import type { HttpGet, HttpResponse } from "./provider.ts";
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
  readonly body: { getReader(): BodyReader } | null;
}

interface BodyReader {
  read(): Promise<{ done: boolean; value?: Uint8Array | undefined }>;
  cancel(): Promise<void>;
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
      if (error instanceof ProviderError) throw error;
      if (timedOut) throw new ProviderError("timeout", `no answer within ${timeoutMs} ms`);
      throw new ProviderError("unavailable", `no answer: ${faultName(error)}`);
    }
  };
}

async function readResponse(response: FetchResponse, maxBodyBytes: number): Promise<HttpResponse> {
  const headers: Record<string, string> = {};
  for (const [name, value] of response.headers) headers[name.toLowerCase()] = value;
  const body =
    response.body === null ? "" : await readText(response.body.getReader(), maxBodyBytes);
  return { status: response.status, headers, body };
}

async function readText(reader: BodyReader, maxBodyBytes: number): Promise<string> {
  const decoder = new TextDecoder();
  const parts: string[] = [];
  let bytes = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done || value === undefined) break;
    bytes += value.byteLength;
    if (bytes > maxBodyBytes) {
      // The verdict stands whether or not the rest could be called off.
      await reader.cancel().catch(() => undefined);
      throw new ProviderError("malformed", `body larger than ${maxBodyBytes} bytes`);
    }
    parts.push(decoder.decode(value, { stream: true }));
  }
  parts.push(decoder.decode());
  return parts.join("");
}

/** Names a fault without its message: some runtimes put the whole URL in it. */
function faultName(error: unknown): string {
  if (!(error instanceof Error)) return "unknown fault";
  const { cause } = error;
  const code =
    typeof cause === "object" && cause !== null && "code" in cause ? cause.code : undefined;
  return typeof code === "string" ? `${error.name} ${code}` : error.name;
}
