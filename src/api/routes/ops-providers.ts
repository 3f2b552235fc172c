import { type OpenAPIHono, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { PROVIDER_IDS } from "../../domain/provider-id.ts";
import { errorText, log } from "../../platform/log.ts";
import { configStoreStub, providerBreakerStub } from "../../platform/stubs.ts";
import { MAX_REASON_TEXT } from "../../routing/isolation.ts";
import type { ApiEnv } from "../api-env.ts";
import { problem } from "../problem.ts";
import { isolatedView } from "../provider-view.ts";
import { providerParam, unknownProvider } from "./providers.ts";

/** Bodies are a reason or nothing. */
const MAX_BODY_BYTES = 4_096;

/** Who is named in the audit while there is one key. */
const ACTOR = "bootstrap";

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
  const body = await readBody(context);
  if (body instanceof Response) return body;
  const store = configStoreStub(context.env);
  const isolation = await store[act](provider, body.reason ?? null, ACTOR);
  let confirmed = true;
  try {
    await providerBreakerStub(context.env, provider).learnIsolation(isolation);
  } catch (error) {
    confirmed = false;
    log("warn", "a breaker was not told of its isolation", { provider, error: errorText(error) });
  }
  return context.json({ provider, isolated: isolatedView(isolation.isolated), confirmed });
}

/** The body, an empty one for none at all; a problem when it is not one. */
async function readBody(context: Context<ApiEnv>): Promise<z.infer<typeof bodySchema> | Response> {
  const length = Number(context.req.header("content-length") ?? 0);
  const text = length > MAX_BODY_BYTES ? null : await context.req.text();
  if (text === null || text.length > MAX_BODY_BYTES) {
    return problem(context, 413, {
      code: "body_too_large",
      detail: `a body has at most ${MAX_BODY_BYTES} bytes`,
    });
  }
  const parsed = z
    .preprocess((raw) => (raw === "" ? {} : parseJson(raw)), bodySchema)
    .safeParse(text.trim());
  if (parsed.success) return parsed.data;
  const errors = parsed.error.issues.map((issue) => ({
    field: issue.path.join("."),
    message: issue.message,
  }));
  return problem(context, 422, {
    code: "invalid_body",
    detail: `a body is {"reason": TEXT} with at most ${MAX_REASON_TEXT} characters, or empty`,
    extra: { errors },
  });
}

function parseJson(raw: unknown): unknown {
  try {
    return JSON.parse(String(raw));
  } catch {
    return undefined;
  }
}
