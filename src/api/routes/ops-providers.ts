import { type OpenAPIHono, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { PROVIDER_IDS } from "../../domain/provider-id.ts";
import { errorText, log } from "../../platform/log.ts";
import { configStoreStub, providerBreakerStub } from "../../platform/stubs.ts";
import { MAX_REASON_TEXT } from "../../routing/isolation.ts";
import type { ApiEnv } from "../api-env.ts";
import { readJsonBody } from "../json-body.ts";
import { isolatedView } from "../provider-view.ts";
import { providerParam, unknownProvider } from "./providers.ts";

/** Bodies are a reason or nothing. */
const MAX_BODY_BYTES = 4_096;

const bodySchema = z
  .object({ reason: z.string().trim().min(1).max(MAX_REASON_TEXT).optional() })
  .strict();

const answerSchema = z.object({
  provider: z.enum(PROVIDER_IDS),
  isolated: z.object({ since: z.string(), reason: z.string().nullable() }).nullable(),
  /** Whether the breaker has learned it; it does so by itself within 5 s when not. */
  confirmed: z.boolean(),
});

/** `POST /ops/providers/{name}/isolate` and `/release`: kept in ConfigStore, told to the breaker. */
export function registerOpsProviders(app: OpenAPIHono<ApiEnv>): void {
  for (const act of ["isolate", "release"] as const) {
    app.openAPIRegistry.registerPath({
      method: "post",
      path: `/ops/providers/{name}/${act}`,
      summary:
        act === "isolate"
          ? "Hold the breakers of a provider open by hand: it is not asked until released"
          : "Let the breakers of a provider go",
      request: {
        params: z.object({ name: z.enum(PROVIDER_IDS) }),
        body: { content: { "application/json": { schema: bodySchema } } },
      },
      responses: {
        200: {
          description: "How the provider stands now",
          content: { "application/json": { schema: answerSchema } },
        },
      },
    });
    app.post(`/ops/providers/:name/${act}`, async (context) => await handle(context, act));
  }
}

async function handle(context: Context<ApiEnv>, act: "isolate" | "release"): Promise<Response> {
  const provider = providerParam(context);
  if (provider === null) return unknownProvider(context);
  const read = await readJsonBody(context, {
    schema: bodySchema,
    maxBytes: MAX_BODY_BYTES,
    words: `a body is {"reason": TEXT} with at most ${MAX_REASON_TEXT} characters, or empty`,
    mayBeEmpty: true,
  });
  if ("refused" in read) return read.refused;
  const { body } = read;
  const store = configStoreStub(context.env);
  const isolation = await store[act](provider, body.reason ?? null, context.var.keyId);
  let confirmed = true;
  try {
    await providerBreakerStub(context.env, provider).learnIsolation(isolation);
  } catch (error) {
    confirmed = false;
    log("warn", "a breaker was not told of its isolation", { provider, error: errorText(error) });
  }
  return context.json({ provider, isolated: isolatedView(isolation.isolated), confirmed });
}
