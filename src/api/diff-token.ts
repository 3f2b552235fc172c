import { z } from "zod";
import { fnv1a32 } from "../domain/symbol.ts";
import type { EpochMs } from "../domain/time.ts";
import type { DiffPlace } from "../postgres/diff-store.ts";
import { END_INSTANT_MS } from "./query-values.ts";
import { hashField, instantField, nameField } from "./token-fields.ts";

const US_PER_MS = 1_000;

/** Where the next page of a diff starts, and up to which knowledge time all its pages read. */
export interface DiffToken {
  readonly untilMs: EpochMs;
  readonly after: DiffPlace;
}

const bodySchema = z.tuple([
  z.literal("diff"),
  hashField,
  instantField,
  z
    .number()
    .int()
    .min(0)
    .max(END_INSTANT_MS * US_PER_MS),
  nameField,
  instantField,
]);

/** An opaque token, bound to the query that it continues. */
export function formatDiffToken({ untilMs, after }: DiffToken, query: string): string {
  const { asOfUs, symbol, ts } = after;
  const body = JSON.stringify(["diff", fnv1a32(query), untilMs, asOfUs, symbol, ts]);
  return btoa(body).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** The token's content, or null when it is malformed or belongs to another query. */
export function parseDiffToken(text: string, query: string): DiffToken | null {
  try {
    const body: unknown = JSON.parse(atob(text.replaceAll("-", "+").replaceAll("_", "/")));
    const [, hash, untilMs, asOfUs, symbol, ts] = bodySchema.parse(body);
    return hash === fnv1a32(query) ? { untilMs, after: { asOfUs, symbol, ts } } : null;
  } catch {
    return null;
  }
}
