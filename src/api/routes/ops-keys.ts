import { type OpenAPIHono, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { KEY_ROLES, type KeyRecord, MAX_KEY_NAME } from "../../contracts/keys.ts";
import { toIso } from "../../domain/time.ts";
import { keyDeskOf } from "../../keys/desk-of.ts";
import { digestOf, makeKeyText } from "../../keys/key-text.ts";
import { wallClock } from "../../platform/clocks.ts";
import { configStoreStub } from "../../platform/stubs.ts";
import type { ApiEnv } from "../api-env.ts";
import { readJsonBody } from "../json-body.ts";
import {
  keySchema,
  keyView,
  limitsSchema,
  madeKeySchema,
  toLimits,
  usageSchema,
  usageView,
} from "../key-view.ts";
import { expirySchema, keyIdParam, madeKeyAnswer, unknownKey } from "../made-key.ts";
import { formatPageToken, parsePageToken } from "../page-token.ts";
import { registerRead } from "../parameters.ts";
import { problem } from "../problem.ts";
import { countParam } from "../query-values.ts";

const MAX_BODY_BYTES = 4_096;
const MAX_KEYS_SHOWN = 500;
/** Acts that are shown with a key. */
const ACTS_SHOWN = 20;
const PAGE_SHAPE = "keys";

const bodySchema = z
  .object({
    name: z
      .string()
      .trim()
      .min(1)
      .max(MAX_KEY_NAME)
      .refine((text) => text.isWellFormed(), "not a storable text")
      .describe("Whose it is, for people"),
    role: z.enum(KEY_ROLES),
    expires_at: expirySchema.optional().describe("Without it the key holds until it is revoked"),
    limits: limitsSchema.prefault({}),
  })
  .strict();

const params = z.object({ id: z.string() });
const actSchema = z.object({
  at: z.iso.datetime(),
  actor: z.string(),
  act: z.string(),
  reason: z.string().nullable(),
});

const listRoute = {
  path: "/ops/keys",
  summary: "Keys, the newest first, those that have ended too, and how each is used",
  query: z.object({
    limit: countParam(1, MAX_KEYS_SHOWN, 100),
    page_token: z.string().max(400).optional(),
  }),
  answer: z.object({
    keys: z.array(keySchema),
    bootstrap: usageSchema,
    next_page_token: z.string().nullable(),
  }),
};

const oneRoute = {
  path: "/ops/keys/:id",
  params,
  summary: "One key and who did what with it",
  query: z.object({}),
  answer: z.object({ key: keySchema, acts: z.array(actSchema) }),
};

/** `POST /ops/keys`, `GET /ops/keys`, `GET` and `DELETE /ops/keys/{id}`. */
export function registerOpsKeys(app: OpenAPIHono<ApiEnv>): void {
  registerRead(app, listRoute, async (context, { limit, page_token }) => {
    const page = page_token === undefined ? undefined : parsePageToken(page_token, PAGE_SHAPE);
    if (page === null) {
      const detail = "page_token does not continue this query";
      return problem(context, 400, { code: "bad_page_token", detail });
    }
    // What this isolate has counted and not told yet.
    await keyDeskOf(context.env, context.var.settings).report();
    const after = page === undefined ? null : { createdMs: page.after.ts, id: page.after.symbol };
    const { keys, bootstrap } = await configStoreStub(context.env).keys(after, limit);
    const nowMs = wallClock.now();
    const last = keys.length === limit ? keys.at(-1) : undefined;
    return context.json({
      keys: keys.map((key) => keyView(key, nowMs)),
      bootstrap: usageView(bootstrap),
      next_page_token: last === undefined ? null : nextPage(last),
    });
  });
  registerRead(app, oneRoute, async (context) => {
    const id = keyIdParam(context);
    const found = id === null ? null : await configStoreStub(context.env).key(id, ACTS_SHOWN);
    if (found === null) return unknownKey(context);
    return context.json({
      key: keyView(found.record, wallClock.now()),
      acts: found.acts.map(({ atMs, actor, act, reason }) => ({
        at: toIso(atMs),
        actor,
        act,
        reason,
      })),
    });
  });
  registerMake(app);
  registerRevoke(app);
}

function registerMake(app: OpenAPIHono<ApiEnv>): void {
  app.openAPIRegistry.registerPath({
    method: "post",
    path: "/ops/keys",
    summary: "Make a key with a role, limits and an end; it is shown in this answer alone",
    request: { body: { content: { "application/json": { schema: bodySchema } } } },
    responses: {
      201: {
        description: "The key and what is kept of it",
        content: { "application/json": { schema: madeKeySchema } },
      },
    },
  });
  app.post("/ops/keys", async (context) => {
    const read = await readJsonBody(context, {
      schema: bodySchema,
      maxBytes: MAX_BODY_BYTES,
      words: "a body is {name, role, expires_at?, limits?}",
    });
    if ("refused" in read) return read.refused;
    const { name, role, expires_at: expiresMs = null, limits } = read.body;
    const key = makeKeyText();
    const made = await configStoreStub(context.env).makeKey(
      { name, role, limits: toLimits(limits), expiresMs, digest: await digestOf(key) },
      context.var.keyId,
    );
    return madeKeyAnswer(context, made, key);
  });
}

function registerRevoke(app: OpenAPIHono<ApiEnv>): void {
  app.openAPIRegistry.registerPath({
    method: "delete",
    path: "/ops/keys/{id}",
    summary:
      "Revoke a key: refused within 5 s, its sockets closed within about a minute; it stays in the list",
    request: { params },
    responses: {
      200: {
        description: "The key as it stands now",
        content: { "application/json": { schema: z.object({ key: keySchema }) } },
      },
    },
  });
  app.delete("/ops/keys/:id", handleRevoke);
}

async function handleRevoke(context: Context<ApiEnv>): Promise<Response> {
  const id = keyIdParam(context);
  const { keyId } = context.var;
  const record = id === null ? null : await configStoreStub(context.env).revokeKey(id, keyId);
  if (record === null) return unknownKey(context);
  return context.json({ key: keyView(record, wallClock.now()) });
}

/** The place of a key: when it was made and, where a token has a symbol, its id. */
function nextPage({ createdMs, id }: KeyRecord): string {
  const after = { symbol: id, ts: createdMs };
  return formatPageToken({ asOfMs: 0, startMs: 0, endMs: 0, after }, PAGE_SHAPE);
}
