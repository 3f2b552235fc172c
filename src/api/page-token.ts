import { z } from "zod";
import { fnv1a32 } from "../domain/symbol.ts";
import type { EpochMs } from "../domain/time.ts";
import { hashField, instantField, nameField } from "./token-fields.ts";

/** Where the next page of a read starts; range and knowledge time are the same for all its pages. */
export interface PageToken {
  readonly asOfMs: EpochMs;
  readonly startMs: EpochMs;
  readonly endMs: EpochMs;
  readonly after: { readonly symbol: string; readonly ts: EpochMs };
  /** What was stored by this time is read; absent: by `asOfMs`. */
  readonly storedByMs?: EpochMs;
}

const bodySchema = z.tuple([
  hashField,
  instantField,
  instantField,
  instantField,
  nameField,
  instantField,
  instantField.optional(),
]);

/** An opaque token, bound to the query that it continues. */
export function formatPageToken(token: PageToken, query: string): string {
  const { asOfMs, startMs, endMs, after, storedByMs } = token;
  const body = JSON.stringify([
    fnv1a32(query),
    asOfMs,
    startMs,
    endMs,
    after.symbol,
    after.ts,
    ...(storedByMs === undefined ? [] : [storedByMs]),
  ]);
  return btoa(body).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** The token's content, or null when it is malformed or belongs to another query. Instants are in bounds, no more. */
export function parsePageToken(text: string, query: string): PageToken | null {
  try {
    const body: unknown = JSON.parse(atob(text.replaceAll("-", "+").replaceAll("_", "/")));
    const [hash, asOfMs, startMs, endMs, symbol, ts, storedByMs] = bodySchema.parse(body);
    if (hash !== fnv1a32(query)) return null;
    const stored = storedByMs === undefined ? {} : { storedByMs };
    return { asOfMs, startMs, endMs, after: { symbol, ts }, ...stored };
  } catch {
    return null;
  }
}
