import type { Context } from "hono";
import { readLetter } from "../postgres/dead-letter-reads.ts";
import type { StoredLetter } from "../postgres/dead-letter-row.ts";
import { sqlClientOf } from "../postgres/service-client.ts";
import type { ApiEnv } from "./api-env.ts";
import { problem } from "./problem.ts";

/** What an id can consist of; anything else is not asked of the database. */
const ID = /^[\x21-\x7e]{1,100}$/;

/** The letter whose id stands in the path, or the 404 to answer with. */
export async function findLetter(
  context: Context<ApiEnv>,
): Promise<{ readonly letter: StoredLetter } | { readonly refused: Response }> {
  const id = context.req.param("id") ?? "";
  const letter = ID.test(id) ? await readLetter(sqlClientOf(context.var.settings), id) : null;
  if (letter !== null) return { letter };
  const detail = "there is no such dead letter";
  return { refused: problem(context, 404, { code: "unknown_letter", detail }) };
}

/** The 409 for a letter about which was decided already. */
export function notDead(context: Context<ApiEnv>, letter: StoredLetter, wanted: string): Response {
  const detail = `only a dead letter can be ${wanted}; this one was ${letter.status}`;
  return problem(context, 409, { code: "not_dead", detail, extra: { status: letter.status } });
}
