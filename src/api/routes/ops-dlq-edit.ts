import { type OpenAPIHono, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { toRange } from "../../backfill/requeue-letters.ts";
import { INTERVAL_MS, jobPrioritySchema } from "../../contracts/job-fields.ts";
import { type TimeRange, toIso } from "../../domain/time.ts";
import { marketClock } from "../../platform/clocks.ts";
import { errorText, log } from "../../platform/log.ts";
import { symbolGroupStub } from "../../platform/stubs.ts";
import { editLetter, markLetters } from "../../postgres/dead-letter-marks.ts";
import type { StoredLetter } from "../../postgres/dead-letter-row.ts";
import { sqlClientOf } from "../../postgres/service-client.ts";
import type { ApiEnv } from "../api-env.ts";
import { findLetter, notDead } from "../find-letter.ts";
import { readJsonBody } from "../json-body.ts";
import { fullLetterSchema, fullLetterView } from "../letter-view.ts";
import { problem } from "../problem.ts";

const MAX_BODY_BYTES = 4_096;
const MAX_NOTE = 500;

const instant = z.iso.datetime({ offset: true }).transform((text) => Date.parse(text));

const bodySchema = z
  .object({
    priority: jobPrioritySchema.optional(),
    /** Null takes it away. */
    note: z
      .string()
      .trim()
      .max(MAX_NOTE)
      .refine((text) => text.isWellFormed() && !text.includes("\0"), "not a storable text")
      .nullable()
      .optional(),
    start: instant.optional(),
    end: instant.optional(),
  })
  .strict()
  .refine((body) => Object.keys(body).length > 0, "nothing to change");

const discardedSchema = z.object({
  letter: fullLetterSchema,
  /** Nothing was done: it was discarded before. */
  already_discarded: z.boolean(),
});

const params = z.object({ id: z.string() });

/** `PATCH /ops/dlq/backfills/{id}` edits a dead letter, `DELETE` discards it: kept, and marked. */
export function registerOpsDlqEdit(app: OpenAPIHono<ApiEnv>): void {
  app.openAPIRegistry.registerPath({
    method: "patch",
    path: "/ops/dlq/backfills/{id}",
    summary:
      "Change priority, note or range of a dead letter; what a narrower range leaves out becomes letters of its own",
    request: { params, body: { content: { "application/json": { schema: bodySchema } } } },
    responses: {
      200: {
        description: "The letter as it stands now",
        content: { "application/json": { schema: z.object({ letter: fullLetterSchema }) } },
      },
    },
  });
  app.patch("/ops/dlq/backfills/:id", handleEdit);
  app.openAPIRegistry.registerPath({
    method: "delete",
    path: "/ops/dlq/backfills/{id}",
    summary: "Discard a dead letter: its minutes are unfillable from now on; the letter is kept",
    request: { params },
    responses: {
      200: {
        description: "The letter as it stands now",
        content: { "application/json": { schema: discardedSchema } },
      },
    },
  });
  app.delete("/ops/dlq/backfills/:id", handleDiscard);
}

async function handleEdit(context: Context<ApiEnv>): Promise<Response> {
  const read = await readJsonBody(context, {
    schema: bodySchema,
    maxBytes: MAX_BODY_BYTES,
    words: 'a body is {"priority"?: 0-9, "note"?: TEXT | null, "start"?: INSTANT, "end"?: INSTANT}',
  });
  if ("refused" in read) return read.refused;
  const found = await findLetter(context);
  if ("refused" in found) return found.refused;
  const { letter } = found;
  if (letter.status !== "dead") return notDead(context, letter, "edited");
  const { priority = letter.priority, note = letter.note, start, end } = read.body;
  const range = { startMs: start ?? letter.startMs, endMs: end ?? letter.endMs };
  const errors = rangeFaults(letter, range);
  if (errors.length > 0) {
    const detail = `a range lies within the letter's, ${toIso(letter.startMs)} to ${toIso(letter.endMs)}`;
    return problem(context, 422, { code: "invalid_range", detail, extra: { errors } });
  }
  const sql = sqlClientOf(context.var.settings);
  const edited = await editLetter(sql, letter, { priority, note, range }, marketClock.now());
  if (edited === null) return changedMeanwhile(context);
  return context.json({ letter: fullLetterView(edited) });
}

/** Every fault of the range by the field that it is said of. */
function rangeFaults(
  letter: StoredLetter,
  { startMs, endMs }: TimeRange,
): { field: "start" | "end"; message: string }[] {
  const step = INTERVAL_MS[letter.interval];
  const boundary = "not on a boundary of the interval";
  const checks = [
    ["start", startMs % step !== 0, boundary],
    ["start", startMs < letter.startMs, "before the letter's"],
    ["end", endMs % step !== 0, boundary],
    ["end", endMs > letter.endMs, "after the letter's"],
    ["end", endMs <= startMs, "not after the start"],
  ] as const;
  return checks.flatMap(([field, isWrong, message]) => (isWrong ? [{ field, message }] : []));
}

/** The group first: until it has given the minutes up the letter is dead, and can be discarded again. */
async function handleDiscard(context: Context<ApiEnv>): Promise<Response> {
  const found = await findLetter(context);
  if ("refused" in found) return found.refused;
  const { letter } = found;
  if (letter.status === "discarded")
    return context.json({ letter: fullLetterView(letter), already_discarded: true });
  if (letter.status !== "dead") return notDead(context, letter, "discarded");
  if (letter.interval === "1m") {
    try {
      await symbolGroupStub(context.env, letter.group).holesGivenUp([toRange(letter)]);
    } catch (error) {
      log("warn", "a group did not give a hole up", { id: letter.id, error: errorText(error) });
      const detail =
        "the letter's symbol group does not answer, and nothing was changed: try again";
      return problem(context, 503, { code: "unavailable", detail });
    }
  }
  const sql = sqlClientOf(context.var.settings);
  const marked = await markLetters(sql, [letter], "discarded", marketClock.now());
  if (marked.length === 0) return changedMeanwhile(context);
  const after = await findLetter(context);
  if ("refused" in after) return after.refused;
  return context.json({ letter: fullLetterView(after.letter), already_discarded: false });
}

function changedMeanwhile(context: Context<ApiEnv>): Response {
  const detail = "the letter changed while this was done: read it again";
  return problem(context, 409, { code: "changed_meanwhile", detail });
}
