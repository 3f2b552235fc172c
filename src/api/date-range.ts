import type { Context } from "hono";
import {
  FIRST_CALENDAR_YEAR,
  LAST_CALENDAR_YEAR,
  type TradingDate,
} from "../domain/trading-date.ts";
import type { ApiEnv } from "./api-env.ts";
import { problem } from "./problem.ts";

/** The dates of a query, both included; without `start` or `end` as far as the calendar knows. */
export function datesOf(
  context: Context<ApiEnv>,
  query: { readonly start?: TradingDate | undefined; readonly end?: TradingDate | undefined },
): { readonly from: TradingDate; readonly through: TradingDate } | { readonly refused: Response } {
  const from = query.start ?? `${FIRST_CALENDAR_YEAR}-01-01`;
  const through = query.end ?? `${LAST_CALENDAR_YEAR}-12-31`;
  if (from <= through) return { from, through };
  const errors = [{ field: "end", message: "end is before start" }];
  const detail = "a parameter is not valid";
  return {
    refused: problem(context, 422, { code: "invalid_parameter", detail, extra: { errors } }),
  };
}
