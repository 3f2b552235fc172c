import type { z } from "zod";
import { callJson } from "../call-json.ts";
import type { ProviderCall, ProviderDeps } from "../provider.ts";
import { ProviderError } from "../provider-error.ts";
import { finnhubError } from "./errors.ts";

/** Where Finnhub's API is and how to sign in. */
export interface FinnhubHost {
  /** For example `https://finnhub.io/api/v1`: the version is part of it. */
  readonly baseUrl: string;
  readonly token: string;
}

/** One GET of a path. Its token goes in a header, never in the URL. */
export interface FinnhubCall<T> {
  readonly endpoint: string;
  readonly path: string;
  readonly query: Record<string, string>;
  readonly schema: z.ZodType<T>;
  readonly check?: (value: T) => void;
}

/** What a call answered, or why it did not. */
export type FinnhubAnswer<T> =
  | { readonly value: T; readonly failure: null }
  | { readonly value: null; readonly failure: ProviderError };

/** Makes one call; a provider's fault is returned, not thrown. */
export async function getFinnhub<T>(
  host: FinnhubHost,
  { endpoint, path, query, schema, check }: FinnhubCall<T>,
  deps: ProviderDeps,
  calls: ProviderCall[],
): Promise<FinnhubAnswer<T>> {
  const base = host.baseUrl.replace(/\/+$/, "");
  try {
    const value = await callJson(
      {
        provider: "finnhub",
        endpoint,
        url: `${base}${path}?${new URLSearchParams(query).toString()}`,
        headers: { "X-Finnhub-Token": host.token },
        schema,
        check: check ?? (() => undefined),
        toError: finnhubError,
      },
      deps,
      calls,
    );
    return { value, failure: null };
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error;
    return { value: null, failure: error };
  }
}
