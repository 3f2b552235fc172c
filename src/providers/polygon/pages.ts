import type { z } from "zod";
import { callJson } from "../call-json.ts";
import type { ProviderCall, ProviderDeps } from "../provider.ts";
import { ProviderError } from "../provider-error.ts";
import { polygonError } from "./errors.ts";
import { type PolygonHost, rebaseNextUrl } from "./host.ts";

/** What is read page after page. */
export interface PagedCall<P> {
  readonly endpoint: string;
  /** Of the first page. */
  readonly url: string;
  readonly schema: z.ZodType<P>;
  /** Throws `malformed` for a page that can't be trusted. */
  readonly check: (page: P) => void;
  readonly prepare?: (body: string) => string;
  /** Pages before the answer counts as endless (polygon issue 289). */
  readonly maxPages: number;
}

/** The pages read, and whether they are all. */
export interface Pages<P> {
  readonly pages: P[];
  /** The page to go on with, on our base; null when the last one was read. */
  readonly next: string | null;
  readonly failure: ProviderError | null;
}

/**
 * Reads an answer to its last page. `mayCall` is asked before each call; when it says no the answer
 * is incomplete without a failure. Pages before a failure are kept.
 */
export async function readPages<P extends { next_url?: string | null | undefined }>(
  host: PolygonHost,
  call: PagedCall<P>,
  deps: ProviderDeps,
  calls: ProviderCall[],
  mayCall: () => boolean = () => true,
): Promise<Pages<P>> {
  const seenUrls = new Set<string>();
  const pages: P[] = [];
  let url: string | null = call.url;
  try {
    while (url !== null) {
      if (!mayCall()) return { pages, next: url, failure: null };
      seenUrls.add(url);
      const page: P = await callJson(
        {
          provider: "polygon",
          endpoint: call.endpoint,
          url,
          headers: { authorization: `Bearer ${host.apiKey}` },
          schema: call.schema,
          check: (value) => {
            call.check(value);
            checkNext(nextOf(host, value), seenUrls, call.maxPages);
          },
          toError: polygonError,
          ...(call.prepare === undefined ? {} : { prepare: call.prepare }),
        },
        deps,
        calls,
      );
      pages.push(page);
      url = nextOf(host, page);
    }
    return { pages, next: null, failure: null };
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error;
    return { pages, next: url, failure: error };
  }
}

function nextOf(host: PolygonHost, page: { next_url?: string | null | undefined }): string | null {
  const nextUrl = page.next_url ?? "";
  if (nextUrl === "") return null;
  const rebased = rebaseNextUrl(host, nextUrl);
  if (rebased === null) throw malformed("next_url is no URL");
  return rebased;
}

function checkNext(nextUrl: string | null, seenUrls: ReadonlySet<string>, maxPages: number): void {
  if (nextUrl === null) return;
  if (seenUrls.has(nextUrl)) throw malformed("page cursor repeated");
  if (seenUrls.size >= maxPages) throw malformed(`more than ${maxPages} pages`);
}

/**
 * Refuses a page of aggregates whose rows are not as many as it says (`resultsCount`, of this page):
 * rows were lost on the way, and without them a minute would look as if nobody had traded.
 */
export function checkCount(page: {
  readonly resultsCount?: number | null | undefined;
  readonly results?: readonly unknown[] | null | undefined;
}): void {
  const said = page.resultsCount ?? null;
  const rows = page.results?.length ?? 0;
  if (said !== null && said !== rows) throw malformed(`${rows} rows where it says ${said}`);
}

/** A 200 that can't be trusted. */
export function malformed(message: string): ProviderError {
  return new ProviderError("malformed", message, { status: 200 });
}
