/** Where Polygon's API is and how to sign in. */
export interface PolygonHost {
  /** For example `https://api.polygon.io`; may carry a path. */
  readonly baseUrl: string;
  readonly apiKey: string;
}

/** The base without a slash at its end. */
export function baseOf(host: PolygonHost): string {
  return host.baseUrl.replace(/\/+$/, "");
}

/**
 * The next page on OUR base: only path and query of `next_url` are kept, so the key never goes to a
 * host that an answer names, and a corrupted host (`:443:443`, polygon issue 143) does no harm.
 * Null when it is no URL at all.
 */
export function rebaseNextUrl(host: PolygonHost, nextUrl: string): string | null {
  const pathAndQuery = /^(?:https?:\/\/[^/?#]+)?(\/[^#]*)$/.exec(nextUrl)?.[1];
  if (pathAndQuery === undefined || pathAndQuery.startsWith("//")) return null;
  const base = baseOf(host);
  const basePath = /^https?:\/\/[^/]+(\/.*)?$/.exec(base)?.[1] ?? "";
  const path = pathAndQuery.startsWith(`${basePath}/`)
    ? pathAndQuery.slice(basePath.length)
    : pathAndQuery;
  return `${base}${path}`;
}
