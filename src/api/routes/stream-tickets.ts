import { type OpenAPIHono, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { hostName } from "../../domain/host-name.ts";
import { toIso } from "../../domain/time.ts";
import { wallClock } from "../../platform/clocks.ts";
import { chooseHost } from "../../stream/choose-host.ts";
import { regionOf } from "../../stream/region.ts";
import { sealTicket, TICKET_TTL_MS } from "../../stream/ticket.ts";
import type { ApiEnv } from "../api-env.ts";
import { readJsonBody } from "../json-body.ts";
import { parseQuery } from "../parse-query.ts";

const MAX_BODY_BYTES = 1_024;

const bodySchema = z.object({}).strict();
const ticketSchema = z.object({
  ticket: z.string().describe("Opens one socket: `/v1/stream?ticket=TICKET`"),
  conn: z.string().describe("The id that the connection will have"),
  expires_at: z.iso.datetime(),
});

/** `POST /v1/stream/tickets`: for browsers, which shall not know the key. */
export function registerStreamTickets(app: OpenAPIHono<ApiEnv>): void {
  app.openAPIRegistry.registerPath({
    method: "post",
    path: "/v1/stream/tickets",
    summary:
      "A ticket that opens one socket within 30 s, for a browser that shall not know the key",
    request: {
      body: { content: { "application/json": { schema: bodySchema } }, required: false },
    },
    responses: {
      200: {
        description: "The ticket; never kept by a cache",
        content: { "application/json": { schema: ticketSchema } },
      },
    },
  });
  app.post("/v1/stream/tickets", handleTicket);
}

async function handleTicket(context: Context<ApiEnv>): Promise<Response> {
  const parsed = parseQuery(context, z.object({}));
  if ("refused" in parsed) return parsed.refused;
  const read = await readJsonBody(context, {
    schema: bodySchema,
    maxBytes: MAX_BODY_BYTES,
    words: "there is no body, or an empty object",
    mayBeEmpty: true,
  });
  if ("refused" in read) return read.refused;
  const { keyId: key, settings } = context.var;
  const { symbolGroups, config, bootstrapKey } = settings;
  const connection = crypto.randomUUID();
  const extraHosts = config.stream.extra_hosts;
  const region = regionOf(context.req.raw.cf);
  const host = hostName(chooseHost(connection, [], { symbolGroups, region, extraHosts }));
  const expiresMs = wallClock.now() + TICKET_TTL_MS;
  const ticket = await sealTicket({ connection, host, key, expiresMs }, bootstrapKey);
  context.header("Cache-Control", "no-store");
  return context.json({ ticket, conn: connection, expires_at: toIso(expiresMs) });
}
