import type { Context } from "hono";
import { STREAM_PROTOCOL } from "../contracts/stream.ts";
import { STREAM_KEY_ROLES, type StreamKeyRole } from "../contracts/stream-ticket.ts";
import { wallClock } from "../platform/clocks.ts";
import { openTicket, type Ticket } from "../stream/ticket.ts";
import type { ApiEnv } from "./api-env.ts";
import { bearerKey, roleOfKey } from "./key.ts";
import type { ProblemDetails } from "./problem.ts";
import type { KeyRole } from "./route-role.ts";

/** The query parameter that carries a ticket. */
export const TICKET_PARAM = "ticket";
const KEY_PROTOCOL_PREFIX = "key.";
/** As people write it who try; their value may be a real key, so it is not looked at. */
const KEY_PARAMS = new Set(["key", "apikey", "token", "accesstoken", "authorization", "bearer"]);

/** Who opens a socket: whoever has a key, or a ticket, which is still to be burned by its host. */
export type StreamCredentials =
  | { readonly kind: "key" }
  | { readonly kind: "ticket"; readonly ticket: Ticket }
  | { readonly kind: "refused"; readonly why: ProblemDetails };

/** Reads the three forms of authorisation; a ticket that is given decides alone. */
export async function readStreamCredentials(context: Context<ApiEnv>): Promise<StreamCredentials> {
  const { req, var: variables } = context;
  const { settings } = variables;
  const given = req.queries();
  if (Object.keys(given).some(isKeyParam)) {
    const detail =
      "a key never stands in a URL, where it is logged: send Authorization: Bearer KEY, the subprotocols mds.v1 and key.KEY, or a ticket of POST /v1/stream/tickets; a key that was in a URL should be replaced";
    return refused("key_in_url", detail);
  }
  const tickets = given[TICKET_PARAM];
  if (tickets !== undefined) {
    const [text] = tickets;
    if (text === undefined || tickets.length > 1) return refused("bad_ticket", BAD_TICKET);
    const check = await openTicket(text, settings.bootstrapKey, wallClock.now());
    if (check.kind === "valid") return { kind: "ticket", ticket: check.ticket };
    return check.kind === "expired"
      ? refused("ticket_expired", "the ticket has expired: ask for a new one")
      : refused("bad_ticket", BAD_TICKET);
  }
  const key =
    bearerKey(req.header("authorization")) ?? protocolKey(req.header("sec-websocket-protocol"));
  const role = key === null ? null : await roleOfKey(key, settings);
  if (streamRole(role) !== null) return { kind: "key" };
  const detail =
    "a valid key is required: Authorization: Bearer KEY, the subprotocols mds.v1 and key.KEY, or ?ticket= from POST /v1/stream/tickets";
  return refused("unauthorized", detail);
}

const BAD_TICKET = "this is no ticket of this service";

/** The role with which a key may open the stream; null when it may not. */
export function streamRole(role: KeyRole | null): StreamKeyRole | null {
  return STREAM_KEY_ROLES.find((each) => each === role) ?? null;
}

function refused(code: string, detail: string): StreamCredentials {
  return { kind: "refused", why: { code, detail } };
}

function isKeyParam(name: string): boolean {
  return KEY_PARAMS.has(name.toLowerCase().replaceAll(/[^a-z]/g, ""));
}

function protocolKey(header: string | undefined): string | null {
  const offered = (header ?? "").split(",").map((name) => name.trim());
  if (!offered.includes(STREAM_PROTOCOL)) return null;
  return (
    offered
      .find((name) => name.startsWith(KEY_PROTOCOL_PREFIX))
      ?.slice(KEY_PROTOCOL_PREFIX.length) ?? null
  );
}
