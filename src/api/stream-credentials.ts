import type { Context } from "hono";
import { STREAM_PROTOCOL } from "../contracts/stream.ts";
import { keyDeskOf } from "../keys/desk-of.ts";
import type { KeyHolder } from "../keys/key-desk.ts";
import { wallClock } from "../platform/clocks.ts";
import { openTicket, type Ticket } from "../stream/ticket.ts";
import type { ApiEnv } from "./api-env.ts";
import { bearerKey } from "./bearer-key.ts";
import { countUse, identify, refuse } from "./identify.ts";
import { problem } from "./problem.ts";
import { isAddressOverRate, tooManyRequests } from "./rate-limit.ts";
import { mayUse, roleOf } from "./route-role.ts";

/** The query parameter that carries a ticket. */
export const TICKET_PARAM = "ticket";
const KEY_PROTOCOL_PREFIX = "key.";
/** As people write it who try; their value may be a real key, so it is not looked at. */
const KEY_PARAMS = new Set(["key", "apikey", "token", "accesstoken", "authorization", "bearer"]);

/** Who opens a socket: the holder of a key. A ticket that he came with is still to be burned by its host. */
export type StreamCredentials =
  | { readonly holder: KeyHolder; readonly ticket: Ticket | null }
  | { readonly refused: Response };

const KEY_IN_URL =
  "a key never stands in a URL, where it is logged: send Authorization: Bearer KEY, the subprotocols mds.v1 and key.KEY, or a ticket of POST /v1/stream/tickets; a key that was in a URL should be replaced";
const BAD_TICKET = "this is no ticket of this service";
const EXPIRED_TICKET = "the ticket has expired: ask for a new one";
const KEYLESS_TICKET = "the key that bought the ticket is no longer there";
const MISSING =
  "a valid key is required: Authorization: Bearer KEY, the subprotocols mds.v1 and key.KEY, or ?ticket= from POST /v1/stream/tickets";

/**
 * Reads the three forms of authorisation; a ticket that is given decides alone. A socket is limited by the
 * connections of its key and not by its requests: when the service restarts, all of them come at once.
 */
export async function readStreamCredentials(context: Context<ApiEnv>): Promise<StreamCredentials> {
  const { req } = context;
  const given = req.queries();
  if (Object.keys(given).some(isKeyParam)) return await refused(context, "key_in_url", KEY_IN_URL);
  const tickets = given[TICKET_PARAM];
  if (tickets !== undefined) return await readTicket(context, tickets);
  const key =
    bearerKey(req.header("authorization")) ?? protocolKey(req.header("sec-websocket-protocol"));
  const identified = await identify(context, key, MISSING);
  return "refused" in identified ? identified : admitRole(context, identified.holder, null);
}

async function readTicket(
  context: Context<ApiEnv>,
  tickets: readonly string[],
): Promise<StreamCredentials> {
  const { settings } = context.var;
  const [text] = tickets;
  if (text === undefined || tickets.length > 1)
    return await refused(context, "bad_ticket", BAD_TICKET);
  const check = await openTicket(text, settings.bootstrapKey, wallClock.now());
  if (check.kind === "forged") return await refused(context, "bad_ticket", BAD_TICKET);
  if (check.kind === "expired") return await refused(context, "ticket_expired", EXPIRED_TICKET);
  const { ticket } = check;
  const key = await keyDeskOf(context.env, settings).checkId(ticket.key);
  return key.kind === "valid"
    ? admitRole(context, key.holder, ticket)
    : { refused: refuse(context, key, KEYLESS_TICKET) };
}

/** The stream asks for the role of its path, whatever the key came in by. */
function admitRole(
  context: Context<ApiEnv>,
  holder: KeyHolder,
  ticket: Ticket | null,
): StreamCredentials {
  const isRefused = !mayUse(holder.role, roleOf(context.req.path));
  countUse(context, holder.id, isRefused);
  if (!isRefused) return { holder, ticket };
  const detail = `a key of role ${holder.role} may not open the stream`;
  return { refused: problem(context, 403, { code: "forbidden", detail }) };
}

/** Refusals without a known key are counted for the address that they go to. */
async function refused(
  context: Context<ApiEnv>,
  code: string,
  detail: string,
): Promise<StreamCredentials> {
  if (await isAddressOverRate(context)) return { refused: tooManyRequests(context) };
  return { refused: problem(context, 401, { code, detail }) };
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
