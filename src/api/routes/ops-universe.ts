import { type OpenAPIHono, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { tierPlacesOf } from "../../contracts/config.ts";
import { isCanonicalSymbol } from "../../domain/symbol.ts";
import { TIERS } from "../../domain/tier.ts";
import { calendarOf } from "../../env.ts";
import { applyRefresh, storedVolumes } from "../../ingest/apply-refresh.ts";
import { pushUniverse } from "../../ingest/universe.ts";
import { marketClock } from "../../platform/clocks.ts";
import { symbolGroupStub } from "../../platform/stubs.ts";
import { unknownSymbols, writePins } from "../../postgres/override-store.ts";
import { sqlClientOf } from "../../postgres/service-client.ts";
import { SERVICE_GROUP } from "../../symbol-group/service-duties.ts";
import type { ApiEnv } from "../api-env.ts";
import { readJsonBody } from "../json-body.ts";
import { problem } from "../problem.ts";

/** Pins are for exceptions; a whole small universe may be pinned. */
const MAX_PINS = 10_000;
const MAX_BODY_BYTES = 512 * 1_024;
/** The whole universe is read for it. */
const FETCH_TIMEOUT_MS = 30_000;

const bodySchema = z
  .object({
    tiers: z
      .record(z.string().refine(isCanonicalSymbol, "not a canonical symbol"), z.enum(TIERS))
      .refine((tiers) => Object.keys(tiers).length <= MAX_PINS, `at most ${MAX_PINS} symbols`),
  })
  .strict();

const refreshSchema = z.object({ task: z.string() });

const pinnedSchema = z.object({
  tiers: z.record(z.string(), z.enum(TIERS)),
  /** The version of the universe that has them. */
  version: z.number(),
  /** Symbols whose tier is another one now. */
  changed: z.number(),
  /** Whether every symbol group has heard of it; who has not does so at its next session. */
  confirmed: z.boolean(),
});

/** `POST /ops/universe/refresh`: reads the lists now. `PUT /ops/universe/overrides`: pins tiers. */
export function registerOpsUniverse(app: OpenAPIHono<ApiEnv>): void {
  app.openAPIRegistry.registerPath({
    method: "post",
    path: "/ops/universe/refresh",
    summary: "Read the providers' symbol lists now",
    responses: {
      202: {
        description: "It was started; `/v1/universe/versions` has what it changed",
        content: { "application/json": { schema: refreshSchema } },
      },
    },
  });
  app.post("/ops/universe/refresh", async (context) => {
    const task = await symbolGroupStub(context.env, SERVICE_GROUP).startUniverseRefresh();
    return context.json({ task }, 202);
  });
  app.openAPIRegistry.registerPath({
    method: "put",
    path: "/ops/universe/overrides",
    summary: "Pin the tiers of symbols; replaces all earlier pins and takes effect at once",
    request: { body: { content: { "application/json": { schema: bodySchema } } } },
    responses: {
      200: {
        description: "The pins as they stand now",
        content: { "application/json": { schema: pinnedSchema } },
      },
    },
  });
  app.put("/ops/universe/overrides", handlePins);
}

async function handlePins(context: Context<ApiEnv>): Promise<Response> {
  const read = await readJsonBody(context, {
    schema: bodySchema,
    maxBytes: MAX_BODY_BYTES,
    words: 'a body is {"tiers": {SYMBOL: "T0" | "T1" | "T2", ...}}',
  });
  if ("refused" in read) return read.refused;
  const { settings } = context.var;
  const { tiers } = read.body;
  const sql = sqlClientOf(settings, FETCH_TIMEOUT_MS);
  const unknown = await unknownSymbols(sql, Object.keys(tiers));
  if (unknown.length > 0) {
    return problem(context, 422, {
      code: "unknown_symbol",
      detail: `not in the universe: ${unknown.slice(0, 20).join(", ")}`,
      extra: { symbols: unknown },
    });
  }
  const nowMs = marketClock.now();
  await writePins(sql, new Map(Object.entries(tiers)), nowMs);
  const { symbolGroups } = settings;
  const volumes = () => storedVolumes(sql, calendarOf(settings), nowMs);
  const places = tierPlacesOf(settings.config);
  const applied = await applyRefresh({ sql, symbolGroups, places, nowMs, volumes }, []);
  const confirmed = await pushUniverse(applied.version, settings, context.env);
  const changed = applied.changes.length;
  return context.json({ tiers, version: applied.version, changed, confirmed });
}
