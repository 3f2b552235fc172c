/** In this header the Worker tells a host when the ticket that a socket comes with expires, wall ms. */
export const TICKET_EXPIRY_HEADER = "x-mds-ticket-expires";
/** In this header a host says why it does not take a socket. */
export const REFUSAL_HEADER = "x-mds-refusal";

/** Why a host does not take a socket: its ticket was used or has expired, or too many are being used. */
export const TICKET_REFUSALS = ["ticket_used", "ticket_expired", "busy"] as const;
export type TicketRefusal = (typeof TICKET_REFUSALS)[number];
