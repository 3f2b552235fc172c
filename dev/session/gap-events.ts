import { z } from "zod";
import { type GapEvent, gapKindSchema } from "../../src/contracts/flush.ts";
import type { Calendar } from "../../src/domain/calendar.ts";
import { type Tier, TIERS } from "../../src/domain/tier.ts";
import type { EpochMs, TimeRange } from "../../src/domain/time.ts";
import type { Database } from "../database/database.ts";

/** What a gap event says of its minutes. */
type GapKind = GapEvent[3];

/** A gap event of minutes as it is stored, with the tier of its symbol. Half-open, as its range is. */
export interface StoredGap extends TimeRange {
  readonly symbol: string;
  readonly tier: Tier;
  readonly kind: GapKind;
  readonly asOfMs: EpochMs;
}

/** Gap events by kind. */
export type GapCounts = Readonly<Record<GapKind, number>>;

const rowSchema = z.object({
  symbol: z.string(),
  tier: z.enum(TIERS),
  kind: gapKindSchema,
  from_ms: z.coerce.number(),
  to_ms: z.coerce.number(),
  as_of_ms: z.coerce.number(),
});
const MS = (column: string) => `(extract(epoch from ${column}) * 1000)::bigint::text`;

/** All gap events of minutes, oldest knowledge first; of one instant in the order of their flushes. */
export async function readGaps(database: Database): Promise<StoredGap[]> {
  const rows = await database.query(
    `select g.symbol, u.tier, g.kind, ${MS("g.from_ts")} as from_ms, ${MS("g.to_ts")} as to_ms,
       ${MS("g.as_of")} as as_of_ms
     from gap_events g join symbol_universe u on u.symbol = g.symbol
     where g.class = 'bars' order by g.as_of, g.epoch, g.fs`,
  );
  return rows.map((row) => {
    const { from_ms: startMs, to_ms: endMs, as_of_ms: asOfMs, ...gap } = rowSchema.parse(row);
    return { ...gap, startMs, endMs, asOfMs };
  });
}

/** How many gap events of each kind there are. */
export function countGaps(gaps: readonly Pick<StoredGap, "kind">[]): GapCounts {
  const count = (kind: GapKind) => gaps.filter((gap) => gap.kind === kind).length;
  return {
    open: count("open"),
    filled: count("filled"),
    dead: count("dead"),
    unfillable: count("unfillable"),
  };
}

/**
 * How many gap events reach beyond the regular minutes of one session: a hole is of minutes that were
 * expected, so none is on a date without a session, after an early close, or across a night.
 */
export function gapsOutsideSessions(gaps: readonly TimeRange[], calendar: Calendar): number {
  return gaps.filter(({ startMs, endMs }) => {
    const session = calendar.sessionContaining(startMs);
    return session === undefined || startMs < session.openMs || endMs > session.closeMs;
  }).length;
}

/** Kinds of which the stream carried fewer events than are stored: `kind seen of stored`. */
export function unseenGaps(stored: GapCounts, seen: GapCounts): string[] {
  return gapKindSchema.options
    .filter((kind) => seen[kind] < stored[kind])
    .map((kind) => `${kind} ${seen[kind]} of ${stored[kind]}`);
}
