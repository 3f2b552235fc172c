import { z } from "zod";
import { TIERS } from "../domain/tier.ts";

const count = z.object({ symbols: z.number().int(), violating: z.number().int() });
const levelName = { tier: z.enum(TIERS), interval: z.enum(["1m", "1d"]) };

const level = z.object({
  ...levelName,
  /** Of all symbols of the tier that are owed bars. */
  exact: count,
  /** Of those among the symbols whose turn it was. */
  sampled: count,
  /** 99 % of the tier are complete before it; null for days. */
  completeBeforeMs: z.number().nullable(),
});
/** How a tier and interval stood at a sample. */
export type SloLevel = z.infer<typeof level>;

const head = { v: z.literal(1), number: z.number().int(), atMs: z.number() };

/** One look at Postgres; `unknown` when it could not be read, which is not zero. Stored as JSON. */
export const sloSampleSchema = z.discriminatedUnion("state", [
  z.object({
    ...head,
    state: z.literal("measured"),
    /** What was due: regular minutes of a session, and a trading date for daily bars. */
    minutes: z.object({ date: z.string(), startMs: z.number(), endMs: z.number() }),
    day: z.string(),
    levels: z.array(level),
    /** Some of those that violate, with the `ts` of the oldest bar that each lacks. */
    violating: z.array(z.object({ ...levelName, symbol: z.string(), oldestMs: z.number() })),
  }),
  z.object({ ...head, state: z.literal("unknown"), reason: z.string() }),
]);
export type SloSample = z.infer<typeof sloSampleSchema>;
