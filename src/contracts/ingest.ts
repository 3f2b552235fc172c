import { z } from "zod";
import { FEEDS, PROVIDER_IDS } from "../domain/provider-id.ts";

/** What FetchRunner hands to a symbol group: checked again on arrival, like everything that enters. */
const barSchema = z.object({
  symbol: z.string(),
  ts: z.number(),
  open: z.number(),
  high: z.number(),
  low: z.number(),
  close: z.number(),
  volume: z.number(),
  vwap: z.number().nullable(),
  tradeCount: z.number().nullable(),
});

/** One provider's valid bars and what they cover; `askedAt` market time, `receivedAt` wall, ms. */
export const ingestAnswerSchema = z.object({
  source: z.object({ provider: z.enum(PROVIDER_IDS), feed: z.enum(FEEDS) }),
  askedAt: z.number(),
  receivedAt: z.number(),
  settle: z.boolean(),
  bars: z.array(barSchema),
  covered: z
    .array(
      z.object({ symbols: z.array(z.string()).readonly(), startMs: z.number(), endMs: z.number() }),
    )
    .readonly(),
  /** Covered minutes of which too few bars came: absence is not believed of them. */
  doubted: z.array(z.number()).readonly(),
  /** Minutes as poor in another provider's answer too: absence is believed of two. */
  agreed: z.array(z.number()).readonly(),
  /** Nobody else could be asked about what is doubted. */
  alone: z.boolean(),
  /** Rows refused, by reason. */
  refused: z.record(z.string(), z.number()),
});
export type IngestAnswer = z.infer<typeof ingestAnswerSchema>;

/** One call to a provider, as metrics see it. */
export const callSchema = z.object({
  provider: z.enum(PROVIDER_IDS),
  endpoint: z.string(),
  code: z.string(),
  durationMs: z.number(),
});

/** How a job ended: what was answered, by whom, and how many symbols nobody answered for. */
export const pollOutcomeSchema = z.object({
  answers: z.array(ingestAnswerSchema),
  calls: z.array(callSchema),
  selected: z.array(z.enum(PROVIDER_IDS)),
  failures: z.array(
    z.object({ provider: z.enum(PROVIDER_IDS), kind: z.string(), message: z.string() }),
  ),
  uncovered: z.number().int(),
  /** The version of the configuration that the job was run by. */
  config_version: z.number().int().optional(),
});
export type PollOutcome = z.infer<typeof pollOutcomeSchema>;
