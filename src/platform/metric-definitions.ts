/** How gauges of several reporters become one series at a scrape. */
type Merge = "sum" | "max" | "min";

/** What a metric is: its type, help text, label names, and buckets (upper bounds, in the unit of its name) or merge rule. */
export type MetricDefinition =
  | { readonly type: "counter"; readonly help: string; readonly labels: readonly string[] }
  | {
      readonly type: "gauge";
      readonly help: string;
      readonly labels: readonly string[];
      readonly merge: Merge;
      /**
       * An age: reported as the market time since which it counts (0: nothing waits), made seconds of at a
       * scrape, so that a reporter that is stuck shows no age that stands still.
       */
      readonly since?: true;
    }
  | {
      readonly type: "histogram";
      readonly help: string;
      readonly labels: readonly string[];
      readonly buckets: readonly number[];
    };

/** From a minute's END: the first poll comes seconds after it, absence is settled after minutes. */
const SETTLE_BUCKETS_S = [2, 5, 10, 15, 30, 60, 90, 120, 180, 300, 600, 1_200, 3_600];
const LATENCY_BUCKETS_MS = [5, 10, 25, 50, 75, 100, 150, 250, 500, 1_000, 2_500, 5_000];
const LATENCY_BUCKETS_S = LATENCY_BUCKETS_MS.map((ms) => ms / 1_000);

/**
 * Every metric the service has, by name. No label carries a symbol. What an object counts is kept with its own
 * data at the end of what it counted; what it had not kept when it was reset is lost, and HELP says so.
 */
export const METRICS = {
  provider_selected_total: {
    type: "counter",
    help: "Jobs that asked this provider.",
    labels: ["capability", "provider"],
  },
  provider_errors_total: {
    type: "counter",
    help: "Calls to a provider that failed, by kind of error.",
    labels: ["provider", "endpoint", "code"],
  },
  provider_latency_ms: {
    type: "histogram",
    help: "Duration of a call to a provider, ms.",
    labels: ["provider", "endpoint"],
    buckets: LATENCY_BUCKETS_MS,
  },
  circuit_state: {
    type: "gauge",
    help: "Breaker: 0 open, 0.5 half-open, 1 closed.",
    labels: ["provider", "capability"],
    merge: "max",
  },
  provider_health_score: {
    type: "gauge",
    help: "Health score H in [0, 1].",
    labels: ["provider", "capability"],
    merge: "max",
  },
  provider_isolated: {
    type: "gauge",
    help: "1 while an operator holds the breakers of a provider open, else 0.",
    labels: ["provider"],
    merge: "max",
  },
  symbols_beyond_credits: {
    type: "gauge",
    help: "Symbols whose minutes the calls of the provider that serves them don't carry; absent while nobody does.",
    labels: ["tier"],
    merge: "max",
  },
  market_open: {
    type: "gauge",
    help: "1 while the regular session is open by the calendar, early closes and ad-hoc closures included, else 0.",
    labels: [],
    merge: "max",
  },
  plan_delay_seconds: {
    type: "gauge",
    help: "How much later than real time the plan of the first provider of 1-minute bars serves them.",
    labels: [],
    merge: "max",
  },
  metrics_report_age_seconds: {
    type: "gauge",
    help: "Since the last report of the most silent reporter of a kind, seconds; counters of a silent one stand still, its gauges are gone after 180.",
    labels: ["reporter"],
    merge: "max",
  },
  jobs_processed_total: {
    type: "counter",
    help: "Fetch jobs that ended, by the provider that answered (none: nobody did).",
    labels: ["type", "provider"],
  },
  gaps_found_total: {
    type: "counter",
    help: "Holes that opened: ranges of expected minutes that nobody answered for in time.",
    labels: ["interval"],
  },
  backfill_jobs_enqueued_total: {
    type: "counter",
    help: "Holes that a backfill queue took: ranges of one symbol.",
    labels: ["tier"],
  },
  backfill_jobs_completed_total: {
    type: "counter",
    help: "Holes that left a backfill queue, filled or dead.",
    labels: ["tier", "status"],
  },
  backfill_queue_depth: {
    type: "gauge",
    help: "Holes in a backfill queue, those that died and are not confirmed included.",
    labels: ["tier"],
    merge: "max",
  },
  backfill_oldest_age_seconds: {
    type: "gauge",
    help: "How long the oldest hole of a backfill queue has been in it, seconds of market time.",
    labels: ["tier"],
    merge: "max",
    since: true,
  },
  write_batch_ms: {
    type: "histogram",
    help: "Duration of one drain transaction, ms.",
    labels: ["table"],
    buckets: LATENCY_BUCKETS_MS,
  },
  bar_settle_seconds: {
    type: "histogram",
    help: "From the END of a minute until its bars came first (first) and until nothing of it was pending any more in a group (settled), seconds of market time; polls of a running session alone.",
    labels: ["provider", "stage"],
    buckets: SETTLE_BUCKETS_S,
  },
  ingestion_lag_seconds: {
    type: "gauge",
    help: "Since the end of the newest minute that Postgres has of 99 % of the tier, seconds of market time; 0 when closed and nothing is pending, absent when unknown.",
    labels: ["tier", "interval"],
    merge: "max",
    since: true,
  },
  slo_gap_violation_rate: {
    type: "gauge",
    help: "Share of all symbols of the tier that lack a bar which is due; absent when unknown or when none is due.",
    labels: ["tier", "interval"],
    merge: "max",
  },
  dlq_depth: {
    type: "gauge",
    help: "Dead letters that nobody has decided on; absent while Postgres can't be read.",
    labels: ["tier"],
    merge: "max",
  },
  ws_clients_gauge: {
    type: "gauge",
    help: "Connections on this host.",
    labels: ["group"],
    merge: "sum",
  },
  ws_publish_latency_ms: {
    type: "histogram",
    help: "From the arrival of an answer to the last send of its flush, ms.",
    labels: ["channel"],
    buckets: LATENCY_BUCKETS_MS,
  },
  canary_up: {
    type: "gauge",
    help: "Whether the client inside the deployment is connected and subscribed; absent when the market is closed.",
    labels: [],
    merge: "max",
  },
  canary_latency_seconds: {
    type: "histogram",
    help: "From the knowledge time of a live flush to where a client reads it, seconds.",
    labels: [],
    buckets: LATENCY_BUCKETS_S,
  },
  canary_lost_flushes_total: {
    type: "counter",
    help: "Flushes whose numbers the client inside the deployment did not get.",
    labels: [],
  },
  canary_connects_total: {
    type: "counter",
    help: "Connections of the client inside the deployment.",
    labels: [],
  },
  canary_resumes_total: {
    type: "counter",
    help: "Streams that the client inside the deployment resumed, by whether the socket had all of them.",
    labels: ["recovered"],
  },
  ws_subscriptions: {
    type: "gauge",
    help: "Connections that take a channel.",
    labels: ["channel"],
    merge: "sum",
  },
  ws_messages_sent_total: {
    type: "counter",
    help: "Frames that were handed to sockets, a batch being one; up to a minute of them is lost when a host is reset.",
    labels: [],
  },
  ws_dropped_messages_total: {
    type: "counter",
    help: "Frames that did not reach a socket: slow_reader (closed for it), client_gone (left while they waited), socket_closed (the send failed). The client gets their content when it resumes.",
    labels: ["reason"],
  },
  ws_recover_total: {
    type: "counter",
    help: "Streams that were resumed by token, by whether the socket could bring all that was missed.",
    labels: ["recovered"],
  },
  ws_slow_readers_total: {
    type: "counter",
    help: "Times that a reader fell behind its acks, closed for it or not.",
    labels: [],
  },
  ws_closed_total: {
    type: "counter",
    help: "Connections that ended, by the code that the service closed with (client: the client closed).",
    labels: ["code"],
  },
  rows_parked_total: {
    type: "counter",
    help: "Rows that Postgres refuses, parked instead of stored, by stream and part of the flush.",
    labels: ["class", "part"],
  },
  drain_realigned_total: {
    type: "counter",
    help: "Times that Postgres stood elsewhere than the log: skip, rewind (set back), renew (new epoch).",
    labels: ["class", "kind"],
  },
  rows_refused_total: {
    type: "counter",
    help: "Rows of an answer that were refused, by reason.",
    labels: ["reason"],
  },
  implausible_answers_total: {
    type: "counter",
    help: "Answers with minutes of which too few bars came: their absences were not believed.",
    labels: ["provider"],
  },
  stale_answers_total: {
    type: "counter",
    help: "Bars of answers older than what is believed.",
    labels: ["provider"],
  },
  bars_disagreed_total: {
    type: "counter",
    help: "Bars that differ from another provider's and may not revise them.",
    labels: ["provider"],
  },
  bars_revised_total: {
    type: "counter",
    help: "Bars replaced by a later belief.",
    labels: ["provider"],
  },
  undrained_flushes: {
    type: "gauge",
    help: "Flushes that have not reached Postgres.",
    labels: [],
    merge: "sum",
  },
  undrained_oldest_seconds: {
    type: "gauge",
    help: "Age of the oldest flush that has not reached Postgres, seconds of market time.",
    labels: [],
    merge: "max",
    since: true,
  },
  undrained_dropped_total: {
    type: "counter",
    help: "Flushes of quotes that were dropped because Postgres was away for too long; bars never are.",
    labels: ["class"],
  },
  object_alarm_late_seconds: {
    type: "gauge",
    help: "How long the most overdue duty of an object has waited for its alarm, seconds: a lost alarm shows here within two minutes.",
    labels: ["object"],
    merge: "max",
  },
  audit_differences_total: {
    type: "counter",
    help: "Minutes in which an audit found Postgres to differ from what a group believes.",
    labels: ["kind"],
  },
  partitions_dropped_total: {
    type: "counter",
    help: "Tables of one day that were dropped because they are older than what is kept.",
    labels: ["class"],
  },
  config_version: {
    type: "gauge",
    help: "Lowest version of the configuration that a component acted by in the last five minutes; absent when it did not act.",
    labels: ["component"],
    merge: "min",
  },
  build_info: { type: "gauge", help: "The running version.", labels: ["version"], merge: "max" },
} as const satisfies Record<string, MetricDefinition>;
/** The name of a metric, as it stands in a scrape. */
export type MetricName = keyof typeof METRICS;

/** The definition of a metric, with its optional parts. */
export function metricDefinition(name: MetricName): MetricDefinition {
  return METRICS[name];
}
