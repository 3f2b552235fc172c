import { z } from "zod";
import { REFUSAL_HEADER, TICKET_EXPIRY_HEADER } from "../contracts/stream-ticket.ts";
import type { BurnedTickets } from "./burned-tickets.ts";
import { CONNECTION_HEADER } from "./group-host.ts";

const REFUSED_STATUS = 409;

const admissionSchema = z.object({
  connection: z.uuid(),
  expiresMs: z.coerce.number().int().positive(),
});

/**
 * Burns the ticket that a socket comes with; answers the refusal when it is used up, null when the socket
 * may be taken. A socket without one was let through by its key.
 */
export function refuseByTicket(
  request: Request,
  tickets: BurnedTickets,
  nowMs: number,
): Response | null {
  const expires = request.headers.get(TICKET_EXPIRY_HEADER);
  if (expires === null) return null;
  const { connection, expiresMs } = admissionSchema.parse({
    connection: request.headers.get(CONNECTION_HEADER),
    expiresMs: expires,
  });
  const refusal = tickets.burn(connection, expiresMs, nowMs);
  return refusal === null
    ? null
    : new Response(null, { status: REFUSED_STATUS, headers: { [REFUSAL_HEADER]: refusal } });
}
