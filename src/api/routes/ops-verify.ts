import { type OpenAPIHono, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { auditCountsSchema, auditGroupsSchema, groupAuditSchema } from "../../contracts/audit.ts";
import { beliefsKeptFrom } from "../../domain/belief-horizon.ts";
import type { Calendar, TradingSession } from "../../domain/calendar.ts";
import type { EpochMs } from "../../domain/time.ts";
import { toIso } from "../../domain/time.ts";
import { isTradingDate } from "../../domain/trading-date.ts";
import { calendarOf } from "../../env.ts";
import { auditGroups, summarize } from "../../ingest/audit-groups.ts";
import { errorText, log } from "../../platform/log.ts";
import { marketClock } from "../../platform/clocks.ts";
import { symbolGroupStub } from "../../platform/stubs.ts";
import { SERVICE_GROUP } from "../../symbol-group/service-duties.ts";
import type { ApiEnv } from "../api-env.ts";
import { readJsonBody } from "../json-body.ts";
import { registerRead } from "../parameters.ts";
import { problem } from "../problem.ts";

const MAX_BODY_BYTES = 4 * 1_024;

const bodySchema = z
  .object({
    date: z
      .string()
      .refine((text) => isTradingDate(text), "not a date (YYYY-MM-DD)")
      .optional(),
    repair: z.boolean().default(false),
    groups: auditGroupsSchema.optional(),
  })
  .strict();

const verifiedSchema = z.object({
  date: z.iso.date(),
  /** How many groups there are; those that were asked for stand in `groups`. */
  symbol_groups: z.number().int(),
  /** Nothing differs, and every group that was asked for could be audited. */
  clean: z.boolean(),
  differences: auditCountsSchema,
  groups: z.array(groupAuditSchema),
});

const lastSchema = z.object({
  audits: z.array(
    z.object({
      date: z.iso.date(),
      at: z.iso.datetime(),
      task: z.string(),
      audited: z.number().int(),
      failed_groups: z.array(z.number().int()),
      differences: auditCountsSchema,
      repaired: z.number().int(),
      cut_groups: z.number().int(),
    }),
  ),
});

/**
 * `POST /ops/verify`: holds what the groups believe of a session against Postgres, now, and with
 * `repair` asks again for what lacks there. `GET /ops/verify`: what the last audits found by themselves.
 */
export function registerOpsVerify(app: OpenAPIHono<ApiEnv>): void {
  app.openAPIRegistry.registerPath({
    method: "post",
    path: "/ops/verify",
    summary: "Hold a session's beliefs against Postgres; repair asks again for what lacks there",
    request: { body: { content: { "application/json": { schema: bodySchema } } } },
    responses: {
      200: {
        description: "What differs, group by group",
        content: { "application/json": { schema: verifiedSchema } },
      },
    },
  });
  app.post("/ops/verify", handleVerify);
  const route = {
    path: "/ops/verify",
    summary: "The last audits that the service made by itself, newest first",
    query: z.object({}),
    answer: lastSchema,
  };
  registerRead(app, route, handleLast);
}

async function handleVerify(context: Context<ApiEnv>): Promise<Response> {
  const read = await readJsonBody(context, {
    schema: bodySchema,
    maxBytes: MAX_BODY_BYTES,
    words: 'a body is {"date"?: "YYYY-MM-DD", "repair"?: boolean, "groups"?: [number, ...]}',
  });
  if ("refused" in read) return read.refused;
  const { settings } = context.var;
  const { symbolGroups } = settings;
  const { date, repair, groups: wanted } = read.body;
  const session = sessionOf(date, calendarOf(settings), marketClock.now());
  if (typeof session === "string") return refuse(context, "date", session);
  if (wanted?.some((group) => group >= symbolGroups) === true)
    return refuse(context, "groups", `groups are numbered 0 to ${symbolGroups - 1}`);
  const groups = [...new Set(wanted ?? Array.from({ length: symbolGroups }, (_, group) => group))];
  const audits = await auditGroups({ groups, session, repair }, settings, context.env);
  const { differences, left } = summarize(session.date, audits);
  const differing = Object.values(differences).reduce((sum, count) => sum + count, 0);
  const answer: z.infer<typeof verifiedSchema> = {
    date: session.date,
    symbol_groups: symbolGroups,
    clean: differing === 0 && left.length === 0,
    differences,
    groups: audits,
  };
  return context.json(answer);
}

async function handleLast(context: Context<ApiEnv>): Promise<Response> {
  try {
    const notes = await symbolGroupStub(context.env, SERVICE_GROUP).audits();
    const audits = notes.map(({ at_ms, left, cut, ...note }) => ({
      ...note,
      at: toIso(at_ms),
      failed_groups: left,
      cut_groups: cut,
    }));
    return context.json({ audits });
  } catch (error) {
    log("warn", "the group that audits did not answer", { error: errorText(error) });
    const detail = "the group that audits did not answer: ask again";
    return problem(context, 503, { code: "unavailable", detail });
  }
}

/** The session of a date, the one that began last when none is given; or what is wrong with the date. */
function sessionOf(
  date: string | undefined,
  calendar: Calendar,
  nowMs: EpochMs,
): TradingSession | string {
  if (date === undefined) return calendar.previousSession(nowMs);
  const session = calendar.session(date);
  if (session === undefined) return `${date} is no session`;
  if (session.openMs > nowMs) return `the session of ${date} has not begun`;
  if (session.preOpenMs < beliefsKeptFrom(calendar, nowMs, null))
    return `${date} is older than the beliefs: only Postgres knows it`;
  return session;
}

function refuse(context: Context<ApiEnv>, field: string, message: string): Response {
  return problem(context, 422, {
    code: "invalid_body",
    detail: message,
    extra: { errors: [{ field, message }] },
  });
}
