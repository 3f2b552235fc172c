import type { Dashboard } from "@grafana/grafana-foundation-sdk/dashboard";
import { DEFAULT_PARAMETERS } from "../alert-parameters.ts";
import { buildDashboard, type PanelSpec } from "./build-dashboard.ts";

const PANELS: readonly PanelSpec[] = [
  {
    title: "Connections",
    description: "All of them, and those that take a channel.",
    unit: "none",
    queries: [
      ["sum(ws_clients_gauge)", "connections"],
      ["max by (channel) (ws_subscriptions)", "{{channel}}"],
    ],
  },
  {
    title: "Connections by host",
    description: "A group hosts those whose symbols are its own, and a share of the others.",
    unit: "none",
    queries: [["max by (group) (ws_clients_gauge)", "{{group}}"]],
  },
  {
    title: "From the answer to the last send",
    description: "Of a flush; the truth is a client's receive time, beside it.",
    unit: "ms",
    queries: [
      [
        "histogram_quantile(0.5, sum by (le, channel) (rate(ws_publish_latency_ms_bucket[$__rate_interval])))",
        "{{channel}} p50",
      ],
      [
        "histogram_quantile(0.99, sum by (le, channel) (rate(ws_publish_latency_ms_bucket[$__rate_interval])))",
        "{{channel}} p99",
      ],
    ],
    bound: DEFAULT_PARAMETERS.wsPublishMs,
  },
  {
    title: "The client inside the deployment",
    description: "From the knowledge time of a flush to where it reads it, and what it lost.",
    unit: "s",
    queries: [
      [
        "histogram_quantile(0.99, sum by (le) (rate(canary_latency_seconds_bucket[$__rate_interval])))",
        "p99",
      ],
      ["increase(canary_lost_flushes_total[1h])", "lost flushes in an hour"],
    ],
  },
  {
    title: "Frames sent and dropped",
    description: "What did not reach a socket is read again at resume.",
    unit: "ops",
    queries: [
      ["sum(rate(ws_messages_sent_total[$__rate_interval]))", "sent"],
      [
        "sum by (reason) (rate(ws_dropped_messages_total[$__rate_interval]))",
        "dropped: {{reason}}",
      ],
    ],
  },
  {
    title: "Connections that ended",
    description: "By the code of the close, and readers that fell behind their acks.",
    unit: "ops",
    queries: [
      ["sum by (code) (rate(ws_closed_total[$__rate_interval]))", "{{code}}"],
      ["sum(rate(ws_slow_readers_total[$__rate_interval]))", "slow readers"],
    ],
  },
  {
    title: "Resumes",
    description:
      "Whether the socket could bring all that was missed; else a handoff says where it is.",
    unit: "ops",
    queries: [
      ["sum by (recovered) (rate(ws_recover_total[$__rate_interval]))", "recovered: {{recovered}}"],
      [
        "sum by (recovered) (rate(canary_resumes_total[$__rate_interval]))",
        "the inner client: {{recovered}}",
      ],
    ],
  },
  {
    title: "The inner client is connected",
    description: "1 while it is; absent when the market is closed.",
    unit: "none",
    queries: [
      ["max(canary_up)", "up"],
      ["increase(canary_connects_total[1h])", "connects in an hour"],
    ],
  },
];

/** Who listens, and whether they get everything in time. */
export function websocketDashboard(): Dashboard {
  return buildDashboard({ name: "websocket", title: "Market data: WebSocket", panels: PANELS });
}
