import { type OpenAPIHono, z } from "@hono/zod-openapi";
import { digestOf, makeKeyText } from "../../keys/key-text.ts";
import { configStoreStub } from "../../platform/stubs.ts";
import type { ApiEnv } from "../api-env.ts";
import { readJsonBody } from "../json-body.ts";
import { madeKeySchema } from "../key-view.ts";
import { expirySchema, keyIdParam, madeKeyAnswer, unknownKey } from "../made-key.ts";

const MAX_BODY_BYTES = 1_024;
/** A day: time to bring the successor to whoever has the old key. */
const DEFAULT_OVERLAP_S = 86_400;
const MAX_OVERLAP_S = 30 * 86_400;

const bodySchema = z
  .object({
    overlap_s: z
      .number()
      .int()
      .min(0)
      .max(MAX_OVERLAP_S)
      .default(DEFAULT_OVERLAP_S)
      .describe("How long the old key holds on beside the new one"),
    expires_at: expirySchema
      .nullable()
      .optional()
      .describe("Null: never. Without it the successor lives as long as the old key was made for"),
  })
  .strict();

/** `POST /ops/keys/{id}/rotate`. */
export function registerOpsKeyRotation(app: OpenAPIHono<ApiEnv>): void {
  app.openAPIRegistry.registerPath({
    method: "post",
    path: "/ops/keys/{id}/rotate",
    summary:
      "Make a successor of a key with the same name, role and limits; both hold for the overlap",
    request: {
      params: z.object({ id: z.string() }),
      body: { content: { "application/json": { schema: bodySchema } }, required: false },
    },
    responses: {
      201: {
        description: "The successor, and its text this once",
        content: { "application/json": { schema: madeKeySchema } },
      },
    },
  });
  app.post("/ops/keys/:id/rotate", async (context) => {
    const id = keyIdParam(context);
    if (id === null) return unknownKey(context);
    const read = await readJsonBody(context, {
      schema: bodySchema,
      maxBytes: MAX_BODY_BYTES,
      words: "a body is {overlap_s?, expires_at?}, or empty",
      mayBeEmpty: true,
    });
    if ("refused" in read) return read.refused;
    const { overlap_s, expires_at: expiresMs } = read.body;
    const key = makeKeyText();
    const made = await configStoreStub(context.env).rotateKey(
      {
        id,
        digest: await digestOf(key),
        overlapMs: overlap_s * 1_000,
        ...(expiresMs === undefined ? {} : { expiresMs }),
      },
      context.var.keyId,
    );
    return madeKeyAnswer(context, made, key);
  });
}
