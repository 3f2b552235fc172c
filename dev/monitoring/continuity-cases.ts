import { type AlertCase, SCRAPED, scraped } from "./alert-case.ts";

const OPEN = { [scraped("market_open")]: "1x120" };
/** Shut all the time: a night, and a weekend is a long one. */
const SHUT = { [scraped("market_open")]: "0x120" };
/** An early close in the middle. */
const HALF_DAY = { [scraped("market_open")]: "1x30 0x89" };
const NOTHING = {};

const TIERS = [
  { tier: "T0", interval: "1m", bad: 0.006, good: 0.005 },
  { tier: "T1", interval: "1m", bad: 0.03, good: 0.02 },
  { tier: "T2", interval: "1d", bad: 0.06, good: 0.05 },
] as const;

const GAP_CASES = TIERS.flatMap(({ tier, interval, bad, good }): AlertCase[] => {
  const alert = `SLOGapViolationHigh${tier}` as const;
  const rate = scraped("slo_gap_violation_rate", `tier="${tier}",interval="${interval}"`);
  const high = { [rate]: `${bad}x120` };
  const head = { alert, atMinute: 70 };
  return [
    {
      ...head,
      when: "more symbols lack bars than the target allows",
      series: { ...OPEN, ...high },
      fires: [{ tier, interval, ...SCRAPED }],
    },
    {
      ...head,
      when: "as many as it allows",
      series: { ...OPEN, [rate]: `${good}x120` },
      fires: [],
    },
    {
      ...head,
      when: "a spike that the last hour outweighs",
      series: { ...OPEN, [rate]: `0x60 ${bad * 1.5}x20` },
      fires: [],
    },
    {
      ...head,
      when: "it was bad until half an hour ago",
      series: { ...OPEN, [rate]: `0.5x40 0x80` },
      fires: [],
    },
    {
      ...head,
      when: "too few samples to say",
      series: { ...OPEN, [rate]: `_x65 0.5x9` },
      fires: [],
    },
    { ...head, when: "at night", series: { ...SHUT, ...high }, fires: [] },
    { ...head, when: "after an early close", series: { ...HALF_DAY, ...high }, fires: [] },
    { ...head, when: "no data", series: NOTHING, fires: [] },
    { ...head, when: "the rate is unknown", series: OPEN, fires: [] },
  ];
});

const RATE_T0 = scraped("slo_gap_violation_rate", 'tier="T0",interval="1m"');
const LAG = scraped("ingestion_lag_seconds", 'tier="T0",interval="1m"');
const NO_DELAY = { [scraped("plan_delay_seconds")]: "0x120" };
const DELAYED = { [scraped("plan_delay_seconds")]: "960x120" };
const LATE = { [LAG]: "0x20 181+60x100" };
const lag = (
  when: string,
  series: AlertCase["series"],
  isFiring = false,
  atMinute = 60,
): AlertCase => ({
  alert: "IngestionLagHigh",
  when,
  series,
  atMinute,
  fires: isFiring ? [{ tier: "T0", interval: "1m", ...SCRAPED }] : [],
});

const depth = (tier: string) => scraped("backfill_queue_depth", `tier="${tier}"`);
const oldest = (tier: string) => scraped("backfill_oldest_age_seconds", `tier="${tier}"`);

/** Cases of what says that bars lack, are late, or wait to be mended. */
export const CONTINUITY_CASES: readonly AlertCase[] = [
  ...GAP_CASES,
  {
    alert: "SLOUnknown",
    when: "the market is open and there is no rate",
    series: { ...OPEN, [RATE_T0]: "0x20" },
    atMinute: 40,
    fires: [{ ...SCRAPED }],
  },
  {
    alert: "SLOUnknown",
    when: "there is one",
    series: { ...OPEN, [RATE_T0]: "0x120" },
    atMinute: 40,
    fires: [],
  },
  { alert: "SLOUnknown", when: "at night", series: SHUT, atMinute: 40, fires: [] },
  { alert: "SLOUnknown", when: "after an early close", series: HALF_DAY, atMinute: 40, fires: [] },
  { alert: "SLOUnknown", when: "no data", series: NOTHING, atMinute: 40, fires: [] },
  lag("minutes are later than 180 s", { ...OPEN, ...NO_DELAY, ...LATE }, true),
  lag("for less than five minutes", { ...OPEN, ...NO_DELAY, ...LATE }, false, 24),
  lag("as late as they may be", { ...OPEN, ...NO_DELAY, [LAG]: "180x120" }),
  lag("as late as the plan serves them", { ...OPEN, ...DELAYED, [LAG]: "1140x120" }),
  lag("later than the plan serves them", { ...OPEN, ...DELAYED, [LAG]: "1141x120" }, true),
  lag("at night", { ...SHUT, ...NO_DELAY, ...LATE }),
  lag("on a weekend that began with a gap", { ...SHUT, ...NO_DELAY, [LAG]: "86400+60x120" }),
  lag("after an early close", { ...HALF_DAY, ...NO_DELAY, [LAG]: "0x27 181+60x92" }),
  lag("no data", NOTHING),
  {
    alert: "BackfillOldestTooOldT0",
    when: "a hole of T0 has waited for more than 15 min",
    series: { [oldest("T0")]: "0+60x40" },
    atMinute: 20,
    fires: [{ tier: "T0", ...SCRAPED }],
  },
  {
    alert: "BackfillOldestTooOldT0",
    when: "it was filled in time",
    series: { [oldest("T0")]: "0+60x14 0x40" },
    atMinute: 20,
    fires: [],
  },
  {
    alert: "BackfillOldestTooOldT0",
    when: "the old hole is one of T2",
    series: { [oldest("T0")]: "0x40", [oldest("T2")]: "0+60x40" },
    atMinute: 30,
    fires: [],
  },
  { alert: "BackfillOldestTooOldT0", when: "no data", series: NOTHING, atMinute: 20, fires: [] },
  {
    alert: "BackfillQueueDepthHigh",
    when: "the queues hold more than 10,000 holes together",
    series: { [depth("T0")]: "4000x40", [depth("T1")]: "6001x40" },
    atMinute: 20,
    fires: [{}],
  },
  {
    alert: "BackfillQueueDepthHigh",
    when: "10,000 holes",
    series: { [depth("T0")]: "4000x40", [depth("T1")]: "6000x40" },
    atMinute: 20,
    fires: [],
  },
  {
    alert: "BackfillQueueDepthHigh",
    when: "more for less than five minutes",
    series: { [depth("T0")]: "0x20 20000x3 0x20" },
    atMinute: 23,
    fires: [],
  },
  { alert: "BackfillQueueDepthHigh", when: "no data", series: NOTHING, atMinute: 20, fires: [] },
];
