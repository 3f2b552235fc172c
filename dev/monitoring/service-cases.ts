import { type AlertCase, SCRAPED, scraped } from "./alert-case.ts";

const circuit = (provider: string) =>
  scraped("circuit_state", `provider="${provider}",capability="bars_1m"`);
const isolated = (provider: string) => scraped("provider_isolated", `provider="${provider}"`);
const SICK = { provider: "alpaca", capability: "bars_1m", ...SCRAPED };
const calls = scraped("provider_latency_ms_count", 'provider="alpaca",endpoint="bars"');
const errors = (code: string) =>
  scraped("provider_errors_total", `provider="alpaca",endpoint="bars",code="${code}"`);
const UP = scraped("up");

const PROVIDER_CASES: readonly AlertCase[] = [
  {
    alert: "ProviderCircuitOpen",
    when: "a breaker is open, another closed",
    series: {
      [circuit("alpaca")]: "1x5 0x40",
      [isolated("alpaca")]: "0x40",
      [circuit("polygon")]: "1x40",
    },
    atMinute: 20,
    fires: [SICK],
  },
  {
    alert: "ProviderCircuitOpen",
    when: "somebody holds it open",
    series: { [circuit("alpaca")]: "0x40", [isolated("alpaca")]: "1x40" },
    atMinute: 20,
    fires: [],
  },
  {
    alert: "ProviderCircuitOpen",
    when: "it opened four minutes ago",
    series: { [circuit("alpaca")]: "1x16 0x40", [isolated("alpaca")]: "0x60" },
    atMinute: 20,
    fires: [],
  },
  {
    alert: "ProviderCircuitOpen",
    when: "it is half-open",
    series: { [circuit("alpaca")]: "0.5x40", [isolated("alpaca")]: "0x40" },
    atMinute: 20,
    fires: [],
  },
  { alert: "ProviderCircuitOpen", when: "no data", series: {}, atMinute: 20, fires: [] },
  {
    alert: "ProviderIsolated",
    when: "somebody holds it open",
    series: { [isolated("alpaca")]: "1x40", [isolated("polygon")]: "0x40" },
    atMinute: 20,
    fires: [{ provider: "alpaca", ...SCRAPED }],
  },
  {
    alert: "ProviderIsolated",
    when: "nobody does",
    series: { [isolated("alpaca")]: "0x40", [circuit("alpaca")]: "0x40" },
    atMinute: 20,
    fires: [],
  },
  {
    alert: "ProviderErrorRateHigh",
    when: "one call in ten fails",
    series: { [calls]: "0+10x40", [errors("timeout")]: "0+1x40" },
    atMinute: 20,
    fires: [{ provider: "alpaca" }],
  },
  {
    alert: "ProviderErrorRateHigh",
    when: "one call in twenty-five fails",
    series: { [calls]: "0+25x40", [errors("timeout")]: "0+1x40" },
    atMinute: 20,
    fires: [],
  },
  {
    alert: "ProviderErrorRateHigh",
    when: "every call of ten fails",
    series: { [calls]: "0+1x40", [errors("timeout")]: "0+1x40" },
    atMinute: 20,
    fires: [],
  },
  {
    alert: "ProviderErrorRateHigh",
    when: "the key is not entitled, or the job is bad",
    series: {
      [calls]: "0+10x40",
      [errors("not_entitled")]: "0+9x40",
      [errors("bad_request")]: "0+1x40",
    },
    atMinute: 20,
    fires: [],
  },
  { alert: "ProviderErrorRateHigh", when: "no data", series: {}, atMinute: 20, fires: [] },
];

/** A histogram of ten observations a minute, all of them in one bucket. */
function observed(name: string, labels: string, bounds: readonly string[], bound: string) {
  const at = bounds.indexOf(bound);
  return Object.fromEntries(
    bounds.map((le, index) => [
      scraped(`${name}_bucket`, `${labels},le="${le}"`),
      index < at ? "0x60" : "0+10x60",
    ]),
  );
}

const writes = (le: string) =>
  observed("write_batch_ms", 'table="candles_intraday"', ["50", "75", "100", "+Inf"], le);
const sends = (le: string) =>
  observed("ws_publish_latency_ms", 'channel="bars.1m"', ["150", "250", "500", "+Inf"], le);

/** Cases of the health of providers, database, sockets and the service itself. */
export const SERVICE_CASES: readonly AlertCase[] = [
  ...PROVIDER_CASES,
  {
    alert: "DBWriteLatencyHigh",
    when: "drains take 75 to 100 ms",
    series: writes("100"),
    atMinute: 30,
    fires: [{ table: "candles_intraday" }],
  },
  {
    alert: "DBWriteLatencyHigh",
    when: "drains take 50 to 75 ms",
    series: writes("75"),
    atMinute: 30,
    fires: [],
  },
  {
    alert: "DBWriteLatencyHigh",
    when: "for less than ten minutes",
    series: writes("100"),
    atMinute: 9,
    fires: [],
  },
  {
    alert: "DBWriteLatencyHigh",
    when: "nothing is written at night",
    series: { [scraped("write_batch_ms_bucket", 'table="quotes_l1",le="+Inf"')]: "50x60" },
    atMinute: 30,
    fires: [],
  },
  { alert: "DBWriteLatencyHigh", when: "no data", series: {}, atMinute: 30, fires: [] },
  {
    alert: "WSPublishLatencyHigh",
    when: "flushes take 250 to 500 ms",
    series: sends("500"),
    atMinute: 20,
    fires: [{ channel: "bars.1m" }],
  },
  {
    alert: "WSPublishLatencyHigh",
    when: "flushes take 150 to 250 ms",
    series: sends("250"),
    atMinute: 20,
    fires: [],
  },
  { alert: "WSPublishLatencyHigh", when: "no data", series: {}, atMinute: 20, fires: [] },
  {
    alert: "MarketDataServiceDown",
    when: "it can't be scraped",
    series: { [UP]: "1x5 0x20" },
    atMinute: 10,
    fires: [{ ...SCRAPED }],
  },
  {
    alert: "MarketDataServiceDown",
    when: "nobody scrapes it",
    series: {},
    atMinute: 10,
    fires: [{ job: SCRAPED.job }],
  },
  {
    alert: "MarketDataServiceDown",
    when: "it was away for a minute",
    series: { [UP]: "1x8 0 1x20" },
    atMinute: 10,
    fires: [],
  },
  {
    alert: "MarketDataServiceDown",
    when: "it answers, at night too",
    series: { [UP]: "1x30", [scraped("market_open")]: "0x30" },
    atMinute: 20,
    fires: [],
  },
  {
    alert: "MetricsHubStale",
    when: "a group is silent",
    series: {
      [UP]: "1x30",
      [scraped("metrics_report_age_seconds", 'reporter="group"')]: "0+60x30",
      [scraped("metrics_report_age_seconds", 'reporter="slo"')]: "30x30",
    },
    atMinute: 10,
    fires: [{ reporter: "group", ...SCRAPED }],
  },
  {
    alert: "MetricsHubStale",
    when: "nobody ever reported",
    series: { [UP]: "1x30" },
    atMinute: 10,
    fires: [{ ...SCRAPED }],
  },
  {
    alert: "MetricsHubStale",
    when: "all report, at night too",
    series: {
      [UP]: "1x30",
      [scraped("market_open")]: "0x30",
      [scraped("metrics_report_age_seconds", 'reporter="group"')]: "60x30",
    },
    atMinute: 10,
    fires: [],
  },
  {
    alert: "MetricsHubStale",
    when: "the service is down, which another alert says",
    series: { [UP]: "0x30" },
    atMinute: 10,
    fires: [],
  },
];
