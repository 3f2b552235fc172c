import { z } from "zod";

/** How an object sends flushes to its sockets: as a host does, or by nothing but a loop over `send`. */
export type FanoutSide = "host" | "bare";

/** Routes of the two sides: a socket to send to, what will be sent, and the sending of the next flushes. */
export const SIDE_PATHS = {
  prefix: "/bench/side/",
  socket: "/bench/side/socket",
  prepare: "/bench/side/prepare",
  send: "/bench/side/send",
} as const;

export const sideQuerySchema = z.object({
  side: z.enum(["host", "bare"]),
  flushes: z.coerce.number().int().positive().default(1),
});
