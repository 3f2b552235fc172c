import { z } from "zod";
import { END_INSTANT_MS, FIRST_INSTANT_MS } from "./query-values.ts";

/** The longest name in a token is the id of a dead letter. */
const MAX_NAME_CHARS = 100;

/*
 * What the fields of a page token may hold. A token's hash has no key, so anybody can write one: what Postgres
 * would refuse has to be refused before it gets there.
 */

/** The hash of the query that the token continues. */
export const hashField = z.number();

/** An instant, or a smaller number that stands in its place. The end of a range may be the end of all. */
export const instantField = z.number().int().min(FIRST_INSTANT_MS).max(END_INSTANT_MS);

/** A symbol, or a name in its place. A column of text takes neither NUL nor half of a surrogate pair. */
export const nameField = z
  .string()
  .max(MAX_NAME_CHARS)
  .regex(/^[^\p{Cc}\p{Cs}]*$/u);
