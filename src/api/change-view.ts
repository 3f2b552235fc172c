import { z } from "@hono/zod-openapi";
import type { BarChange } from "../postgres/diff-store.ts";
import { barView, barViewSchema } from "./bar-view.ts";
import type { Row } from "./encode-rows.ts";

const number = z.number().nullable().optional();
const text = z.string().nullable().optional();

/**
 * A belief of a diff: the bar as it was known from its `as_of` on and, with `include=before`, what was believed of
 * it until then: null of a first belief.
 */
export const changeViewSchema = barViewSchema.extend({
  before_open: number,
  before_high: number,
  before_low: number,
  before_close: number,
  before_volume: number,
  before_vwap: number,
  before_trade_count: number,
  before_provider: text,
  before_feed: text,
  before_revision: number,
  before_as_of: text,
});

/** The columns of a diff, with what was believed before or without. */
export function changeColumns(withBefore: boolean): string[] {
  return Object.keys((withBefore ? changeViewSchema : barViewSchema).shape);
}

/** A belief in the form of the data routes. */
export function changeView({ bar, before }: BarChange, withBefore: boolean): Row {
  if (!withBefore) return barView(bar);
  const then = before === null ? null : barView(before);
  return {
    ...barView(bar),
    before_open: then?.open ?? null,
    before_high: then?.high ?? null,
    before_low: then?.low ?? null,
    before_close: then?.close ?? null,
    before_volume: then?.volume ?? null,
    before_vwap: then?.vwap ?? null,
    before_trade_count: then?.trade_count ?? null,
    before_provider: then?.provider ?? null,
    before_feed: then?.feed ?? null,
    before_revision: then?.revision ?? null,
    before_as_of: then?.as_of ?? null,
  };
}
