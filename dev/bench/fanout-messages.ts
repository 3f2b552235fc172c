import { z } from "zod";

/** What the process of the clients is asked to do; each has one answer, and `expect` a second one. */
export const fleetCommandSchema = z.discriminatedUnion("op", [
  z.object({
    op: z.literal("open"),
    url: z.string(),
    count: z.number().int().positive(),
    key: z.string().nullable(),
    deflate: z.boolean(),
    /** The frame after which a connection is ready. */
    until: z.enum(["ack", "ready"]),
  }),
  z.object({ op: z.literal("expect"), flushes: z.number().int().positive() }),
  z.object({ op: z.literal("close") }),
]);
export type FleetCommand = z.infer<typeof fleetCommandSchema>;

/** What it answers. Instants are wall ms with fractions, as `wallNow` of either process has them. */
export const fleetReportSchema = z.discriminatedUnion("op", [
  z.object({ op: z.literal("opened"), extensions: z.array(z.string()) }),
  z.object({ op: z.literal("armed") }),
  z.object({
    op: z.literal("arrived"),
    /** When each flush arrived at each connection. */
    arrivals: z.array(z.number()),
    bars: z.number(),
    /** On the TCP sockets, whatever the frames are in there. */
    bytes: z.number(),
    /** The texts of the frames, each once, in the order in which they came. */
    texts: z.array(z.string()),
  }),
  z.object({ op: z.literal("closed") }),
  z.object({ op: z.literal("failed"), why: z.string() }),
]);
export type FleetReport = z.infer<typeof fleetReportSchema>;

/** Wall time with fractions of a millisecond; equal in all processes of a machine. */
export function wallNow(): number {
  return performance.timeOrigin + performance.now();
}
