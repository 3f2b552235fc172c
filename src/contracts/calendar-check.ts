import { z } from "zod";
import { CLAIM_DAYS_AHEAD } from "../domain/calendar-claim.ts";
import { PROVIDER_IDS } from "../domain/provider-id.ts";
import { isTradingDate } from "../domain/trading-date.ts";

const dateSchema = z.string().refine(isTradingDate, "not a trading date");
const minuteSchema = z.number().min(0).max(1_440);

/**
 * What a provider said of the trading days ahead, as group g00 keeps it. The differences are not kept
 * but worked out when asked for: an override that puts one right takes effect at once.
 */
export const calendarCheckSchema = z.object({
  v: z.literal(1),
  /** Market time, ms. */
  checkedAtMs: z.number(),
  claim: z.object({
    provider: z.enum(PROVIDER_IDS),
    from: dateSchema,
    through: dateSchema,
    days: z
      .array(
        z.object({
          date: dateSchema,
          hours: z.union([
            z.object({ openMinute: minuteSchema, closeMinute: minuteSchema }),
            z.literal("closed"),
          ]),
        }),
      )
      .max(CLAIM_DAYS_AHEAD + 1)
      .readonly(),
    unnamed: z.enum(["closed", "full"]),
  }),
});
export type CalendarCheck = z.infer<typeof calendarCheckSchema>;
