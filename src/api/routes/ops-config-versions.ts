import { type OpenAPIHono, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { readLifted } from "../../config/lift-config.ts";
import type { ConfigVersion } from "../../contracts/config-version.ts";
import { configStoreStub } from "../../platform/stubs.ts";
import type { ApiEnv } from "../api-env.ts";
import { activeVersion, changeConfig, changeQuerySchema } from "../change-config.ts";
import {
  changedConfigSchema,
  changesOf,
  configVersionsSchema,
  oneConfigVersionSchema,
  versionView,
} from "../config-view.ts";
import { formatPageToken, parsePageToken } from "../page-token.ts";
import { registerRead } from "../parameters.ts";
import { parseQuery } from "../parse-query.ts";
import { problem } from "../problem.ts";
import { countParam } from "../query-values.ts";

const MAX_LISTED_VERSIONS = 100;
/** What a page token is bound to. */
const SHAPE = "config-versions";

const params = z.object({ version: z.string().regex(/^\d{1,15}$/) });

const listRoute = {
  path: "/ops/config/versions",
  summary: "The versions of the configuration, newest first: who, when, why, and what each changed",
  query: z.object({
    limit: countParam(1, MAX_LISTED_VERSIONS, 20),
    page_token: z.string().max(400).optional(),
  }),
  answer: configVersionsSchema,
};
const oneRoute = {
  path: "/ops/config/versions/:version",
  summary: "A version of the configuration as it was written, and what it changed",
  params,
  query: z.object({}),
  answer: oneConfigVersionSchema,
};

/** `GET /ops/config/versions…`, and `POST /ops/config/rollback/{version}`, which makes a new version of an old one. */
export function registerOpsConfigVersions(app: OpenAPIHono<ApiEnv>): void {
  registerRead(app, listRoute, async (context, { limit, page_token: token }) => {
    const page = token === undefined ? undefined : parsePageToken(token, SHAPE);
    if (page === null) {
      const detail = "page_token does not continue this query";
      return problem(context, 400, { code: "bad_page_token", detail });
    }
    const store = configStoreStub(context.env);
    // One more than is shown: the last one's changes are told against it.
    const found = await store.configVersions(page?.after.ts ?? null, limit + 1);
    const versions = found.slice(0, limit).map((version, index) => ({
      ...versionView(version),
      changes: changesOf(version, found[index + 1] ?? null),
    }));
    const last = found.length > limit ? versions.at(-1) : undefined;
    return context.json({
      versions,
      next_page_token: last === undefined ? null : tokenAfter(last.version),
    });
  });
  registerRead(app, oneRoute, async (context) => {
    const found = await findVersion(context);
    if ("refused" in found) return found.refused;
    const { version } = found;
    const before = await configStoreStub(context.env).configVersion(version.version - 1);
    const config: unknown = JSON.parse(version.body);
    return context.json({
      ...versionView(version),
      schema_version: version.schemaVersion,
      config,
      changes: changesOf(version, before),
    });
  });
  app.openAPIRegistry.registerPath({
    method: "post",
    path: "/ops/config/rollback/{version}",
    summary: "Make an old version the configuration again: checked like any, and a new version",
    request: {
      params,
      query: changeQuerySchema,
      headers: z.object({
        "if-match": z.string().optional().describe('`"VERSION"`, if only that one may be replaced'),
      }),
    },
    responses: {
      200: {
        description: "What it changed, every check, and which objects hold it",
        content: { "application/json": { schema: changedConfigSchema } },
      },
      412: { description: "Another version is the active one: `version` says which" },
    },
  });
  app.post("/ops/config/rollback/:version", handleRollback);
}

async function handleRollback(context: Context<ApiEnv>): Promise<Response> {
  const parsed = parseQuery(context, changeQuerySchema);
  if ("refused" in parsed) return parsed.refused;
  const found = await findVersion(context);
  if ("refused" in found) return found.refused;
  const active = await activeVersion(context, false);
  if ("refused" in active) return active.refused;
  const { version } = found.version;
  const reason = parsed.query.reason ?? `back to version ${version}`;
  return await changeConfig(context, active.state, {
    given: readLifted(found.version.body),
    origin: "rollback",
    query: { ...parsed.query, reason },
  });
}

async function findVersion(
  context: Context<ApiEnv>,
): Promise<{ readonly version: ConfigVersion } | { readonly refused: Response }> {
  const { version: name } = params.catch({ version: "0" }).parse(context.req.param());
  const version = await configStoreStub(context.env).configVersion(Number(name));
  if (version !== null) return { version };
  const detail = "there is no such version of the configuration, or none any more";
  return { refused: problem(context, 404, { code: "unknown_version", detail }) };
}

function tokenAfter(version: number): string {
  return formatPageToken(
    { asOfMs: 0, startMs: 0, endMs: 0, after: { symbol: "", ts: version } },
    SHAPE,
  );
}
