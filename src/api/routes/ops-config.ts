import { type OpenAPIHono, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { pushConfig } from "../../config/push-config.ts";
import { serviceConfigSchema } from "../../contracts/config.ts";
import { configStoreStub } from "../../platform/stubs.ts";
import type { ApiEnv } from "../api-env.ts";
import {
  activeVersion,
  changeConfig,
  changeQuerySchema,
  deploymentConfig,
} from "../change-config.ts";
import {
  activeConfigSchema,
  behindView,
  changedConfigSchema,
  versionView,
} from "../config-view.ts";
import { configEtag } from "../if-match.ts";
import { readJsonBody } from "../json-body.ts";
import { registerRead } from "../parameters.ts";
import { parseQuery } from "../parse-query.ts";

/** A thousand overrides of the calendar fit in. */
const MAX_BODY_BYTES = 128 * 1_024;

const ifMatch = (text: string) =>
  z.object({ "if-match": z.string().optional().describe(`\`"VERSION"\`, ${text}`) });
const changed = {
  200: {
    description: "What it changed, every check, and which objects hold it",
    content: { "application/json": { schema: changedConfigSchema } },
  },
  412: { description: "Another version is the active one: `version` says which" },
};

/**
 * `GET /ops/config`, `PUT` and `POST …/reload`: the configuration that the service runs by. A change is a
 * new version: checked, swapped at once or not at all, audited, told to every object.
 */
export function registerOpsConfig(app: OpenAPIHono<ApiEnv>): void {
  const read = {
    path: "/ops/config",
    summary: "The configuration that is active, its version as ETag, and which objects are behind",
    query: z.object({}),
    answer: activeConfigSchema,
  };
  registerRead(app, read, async (context) => await show(context));
  app.openAPIRegistry.registerPath({
    method: "put",
    path: "/ops/config",
    summary: "Replace the configuration; what the body leaves out is the deployment's",
    request: {
      headers: ifMatch("the ETag of what was read"),
      query: changeQuerySchema,
      body: { content: { "application/json": { schema: serviceConfigSchema } } },
    },
    responses: {
      ...changed,
      428: { description: "`If-Match` does not say which version was read" },
    },
  });
  app.put("/ops/config", handlePut);
  app.openAPIRegistry.registerPath({
    method: "post",
    path: "/ops/config/reload",
    summary: "Take the deployment's variables as the configuration again",
    request: { headers: ifMatch("if only that one may be replaced"), query: changeQuerySchema },
    responses: changed,
  });
  app.post("/ops/config/reload", handleReload);
}

async function show(context: Context<ApiEnv>): Promise<Response> {
  const store = configStoreStub(context.env);
  const { active, inForce, fault, isDrifted } = await store.configState(null);
  const version = await store.configVersion(active.version);
  if (version === null) throw new Error(`version ${active.version} is gone`);
  const objects = await pushConfig(null, context.var.settings.symbolGroups, context.env);
  const behind = behindView(objects, inForce.version);
  const config: unknown = JSON.parse(version.body);
  context.header("ETag", configEtag(version.version));
  return context.json({
    ...versionView(version),
    config,
    in_force: { version: inForce.version, fault },
    variables_differ: isDrifted,
    current: objects.length - behind.length,
    behind,
  });
}

async function handlePut(context: Context<ApiEnv>): Promise<Response> {
  const parsed = parseQuery(context, changeQuerySchema);
  if ("refused" in parsed) return parsed.refused;
  const read = await readJsonBody(context, {
    schema: z.unknown(),
    maxBytes: MAX_BODY_BYTES,
    words: "a body is a configuration",
  });
  if ("refused" in read) return read.refused;
  const found = await activeVersion(context, true);
  if ("refused" in found) return found.refused;
  const ask = { given: read.body, origin: "operator", query: parsed.query } as const;
  return await changeConfig(context, found.state, ask);
}

async function handleReload(context: Context<ApiEnv>): Promise<Response> {
  const parsed = parseQuery(context, changeQuerySchema);
  if ("refused" in parsed) return parsed.refused;
  const found = await activeVersion(context, false);
  if ("refused" in found) return found.refused;
  const given = deploymentConfig(context.env);
  return await changeConfig(context, found.state, {
    given,
    origin: "variables",
    query: parsed.query,
  });
}
