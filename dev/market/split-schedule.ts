import { DAY_MS, HOUR_MS } from "../../src/domain/time.ts";
import { formatTradingDate, parseTradingDate } from "../../src/domain/trading-date.ts";
import { hash32, hashUnit } from "./hash.ts";
import type { Instrument } from "./instrument.ts";
import type { MarketSplit } from "./market.ts";
import type { SessionMinutes } from "./session-minutes.ts";

/** Splits are made up in these years; prices of the base stand on the shares of the first of 2026. */
const FIRST_DAY = parseTradingDate("2015-01-05");
const LAST_DAY = parseTradingDate("2030-12-20");
const BASE_DAY = parseTradingDate("2026-01-01");
/** At most one in each so many days. */
const CELL_DAYS = 182;
/** Share of symbols that announce one in a cell: one in 25 a year, as in the US market. */
const SPLIT_RATE = 0.02;
/** Share of the announced ones that are called off. */
const WITHDRAWN_RATE = 0.2;
const ANNOUNCED_MIN_DAYS = 12;
const ANNOUNCED_SPAN_DAYS = 16;

/** Shares before and after: those of expensive names split, those of cheap ones are drawn together. */
const FORWARD = [
  [1, 2],
  [1, 3],
  [1, 4],
  [1, 10],
] as const;
const MIDDLE = [
  [1, 2],
  [2, 3],
] as const;
const REVERSE = [
  [8, 1],
  [10, 1],
  [20, 1],
] as const;
const EXPENSIVE_DOLLARS = 60;
const CHEAP_DOLLARS = 10;

const SALT = { happens: 71, day: 72, ratio: 73, withdrawn: 74, announced: 75 };

/** A split as the tape feels it: from day `day` on there are `factor` times the shares. */
interface Effect {
  readonly day: number;
  readonly factor: number;
}

/** The splits of a made-up security, and its shares on any day. */
export interface SplitSchedule {
  readonly splits: readonly MarketSplit[];
  /** The security on the shares of a day (days since the epoch). */
  readonly on: (day: number) => Instrument;
}

/** Makes up the splits of a security by its seed; dates are sessions. */
export function createSplitSchedule(
  symbol: string,
  own: Instrument,
  sessionOn: (ts: number) => SessionMinutes | undefined,
): SplitSchedule {
  const splits: MarketSplit[] = [];
  for (let cell = 0; FIRST_DAY + cell * CELL_DAYS < LAST_DAY - CELL_DAYS; cell += 1) {
    if (hashUnit(own.seed, cell, SALT.happens) >= SPLIT_RATE) continue;
    let day = FIRST_DAY + cell * CELL_DAYS + (hash32(own.seed, cell, SALT.day) % (CELL_DAYS - 10));
    while (sessionOn(day * DAY_MS) === undefined) day += 1;
    splits.push(splitOn(symbol, own, day, cell));
  }
  const effects = splits
    .filter(({ withdrawnAtMs }) => withdrawnAtMs === null)
    .map(({ exDate, from, to }) => ({ day: parseTradingDate(exDate), factor: to / from }));
  if (effects.length === 0) return { splits, on: () => own };
  const base = sharesOn(effects, BASE_DAY);
  return {
    splits,
    on: (day) => {
      const shares = sharesOn(effects, day) / base;
      if (shares === 1) return own;
      return {
        ...own,
        basePrice: own.basePrice / shares,
        sharesADay: own.sharesADay * shares,
      };
    },
  };
}

function splitOn(symbol: string, own: Instrument, day: number, cell: number): MarketSplit {
  const { basePrice } = own;
  const ratios =
    basePrice > EXPENSIVE_DOLLARS ? FORWARD : basePrice < CHEAP_DOLLARS ? REVERSE : MIDDLE;
  const [from, to] = ratios[hash32(own.seed, cell, SALT.ratio) % ratios.length] ?? [1, 2];
  const ahead = ANNOUNCED_MIN_DAYS + (hash32(own.seed, cell, SALT.announced) % ANNOUNCED_SPAN_DAYS);
  const isWithdrawn = hashUnit(own.seed, cell, SALT.withdrawn) < WITHDRAWN_RATE;
  return {
    symbol,
    exDate: formatTradingDate(day),
    from,
    to,
    announcedAtMs: (day - ahead) * DAY_MS,
    // Two mornings before, earlier than anybody looks.
    withdrawnAtMs: isWithdrawn ? (day - 2) * DAY_MS + 9 * HOUR_MS : null,
  };
}

function sharesOn(effects: readonly Effect[], day: number): number {
  let shares = 1;
  for (const effect of effects) if (effect.day <= day) shares *= effect.factor;
  return shares;
}
