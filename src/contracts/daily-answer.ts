import { z } from "zod";
import { ingestAnswerSchema } from "./ingest.ts";

/** One provider's valid daily bars of a trading date, and whom they cover; market time, ms. */
export const dailyAnswerSchema = ingestAnswerSchema.pick({
  source: true,
  askedAt: true,
  settle: true,
  bars: true,
  covered: true,
});
export type DailyAnswer = z.infer<typeof dailyAnswerSchema>;
