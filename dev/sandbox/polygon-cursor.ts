import { z } from "zod";
import { BadRequest } from "./bad-request.ts";

const placeSchema = z.coerce.number().int().min(0).max(1_000_000);

/** One page of a list, and the `next_url` of the rest; null on the last. */
export interface ListPage<Row> {
  readonly rows: readonly Row[];
  readonly nextUrl: string | null;
}

/** The parameters of a call: those of its cursor (base64 of a query) when it has one. */
export function cursorParams(url: URL): URLSearchParams {
  const cursor = url.searchParams.get("cursor");
  if (cursor === null) return url.searchParams;
  return new URLSearchParams(Buffer.from(cursor, "base64").toString("utf8"));
}

/** Cut a page from a list. The cursor carries the whole query and a place, so nothing is remembered. */
export function cutPage<Row>(
  rows: readonly Row[],
  limit: number,
  url: URL,
  baseUrl: string,
): ListPage<Row> {
  const params = new URLSearchParams(cursorParams(url));
  const place = placeSchema.safeParse(params.get("page_marker") ?? "0");
  if (!place.success) throw new BadRequest("Could not parse the parameter: 'cursor'.");
  const end = place.data + limit;
  if (end >= rows.length) return { rows: rows.slice(place.data), nextUrl: null };
  params.delete("apiKey");
  params.set("page_marker", String(end));
  const cursor = encodeURIComponent(Buffer.from(params.toString()).toString("base64"));
  return {
    rows: rows.slice(place.data, end),
    nextUrl: `${baseUrl}${url.pathname}?cursor=${cursor}`,
  };
}
