import type { OpenAPIHono } from "@hono/zod-openapi";
import type { Context } from "hono";
import { STREAM_PROTOCOL } from "../../contracts/stream.ts";
import {
  REFUSAL_HEADER,
  TICKET_EXPIRY_HEADER,
  TICKET_REFUSALS,
  type TicketRefusal,
} from "../../contracts/stream-ticket.ts";
import { hostName } from "../../domain/host-name.ts";
import { hostStub } from "../../platform/stubs.ts";
import { chooseHost } from "../../stream/choose-host.ts";
import { CONNECTION_HEADER } from "../../stream/group-host.ts";
import type { KeyHolder } from "../../keys/key-desk.ts";
import { KEY_CONNECTIONS_HEADER, KEY_HEADER } from "../../stream/key-limit.ts";
import { regionOf } from "../../stream/region.ts";
import type { Ticket } from "../../stream/ticket.ts";
import type { ApiEnv } from "../api-env.ts";
import { problem } from "../problem.ts";
import { readStreamCredentials, TICKET_PARAM } from "../stream-credentials.ts";

const BUSY_RETRY_S = 5;

/**
 * `GET /v1/stream` and `/ws`: the WebSocket upgrade, handed to the object that will host it. It reads its
 * credentials itself, before any object is woken, for a socket can bring them in ways of its own.
 */
export function registerStream(app: OpenAPIHono<ApiEnv>): void {
  app.get("/v1/stream", upgrade);
  app.get("/ws", upgrade);
}

async function upgrade(context: Context<ApiEnv>): Promise<Response> {
  const credentials = await readStreamCredentials(context);
  if ("refused" in credentials) return credentials.refused;
  if (context.req.header("upgrade")?.toLowerCase() !== "websocket") {
    return problem(context, 426, { code: "upgrade_required", detail: "this route is a WebSocket" });
  }
  const { holder, ticket } = credentials;
  const connection = ticket?.connection ?? crypto.randomUUID();
  const host = ticket?.host ?? hostOf(context, connection);
  const response = await hostStub(context.env, host).fetch(
    hostRequest(context.req.raw, connection, holder, ticket),
  );
  const refusal = TICKET_REFUSALS.find((each) => each === response.headers.get(REFUSAL_HEADER));
  return refusal === undefined ? response : refuse(context, refusal);
}

function hostOf(context: Context<ApiEnv>, connection: string): string {
  const { symbolGroups, config } = context.var.settings;
  const symbols = context.req.query("symbols")?.split(",") ?? [];
  const region = regionOf(context.req.raw.cf);
  const extraHosts = config.stream.extra_hosts;
  return hostName(chooseHost(connection, symbols, { symbolGroups, region, extraHosts }));
}

/** The request as an object gets it: with headers of our own, and no credentials. */
function hostRequest(
  request: Request,
  connection: string,
  holder: KeyHolder,
  ticket: Ticket | null,
): Request {
  const url = new URL(request.url);
  url.searchParams.delete(TICKET_PARAM);
  const headers = new Headers({
    upgrade: "websocket",
    [CONNECTION_HEADER]: connection,
    [KEY_HEADER]: holder.id,
    [KEY_CONNECTIONS_HEADER]: String(holder.limits.connectionsPerHost),
  });
  const offered = request.headers.get("sec-websocket-protocol")?.split(",") ?? [];
  if (offered.some((name) => name.trim() === STREAM_PROTOCOL))
    headers.set("sec-websocket-protocol", STREAM_PROTOCOL);
  if (ticket !== null) headers.set(TICKET_EXPIRY_HEADER, String(ticket.expiresMs));
  return new Request(url, { headers });
}

function refuse(context: Context<ApiEnv>, refusal: TicketRefusal): Response {
  if (refusal === "busy") {
    context.header("Retry-After", String(BUSY_RETRY_S));
    const detail = "too many sockets are being opened: ask for a new ticket later";
    return problem(context, 503, { code: "busy", detail });
  }
  const detail =
    refusal === "ticket_used"
      ? "the ticket has been used: each opens one socket, ask for a new one"
      : "the ticket has expired: ask for a new one";
  return problem(context, 401, { code: refusal, detail });
}
