import { METRICS, type MetricDefinition } from "../../src/platform/metric-definitions.ts";

const HEAD = `# Metrics

> The individual plans of Polygon, Alpaca, Finnhub and IEX data forbid redistribution. Metrics are counts,
> no bars.

<!-- Written by \`npm run monitoring\` from src/platform/metric-definitions.ts. -->

\`GET /metrics\` (role metrics) answers Prometheus text 0.0.4, or OpenMetrics 1.0 for who prefers it by \`Accept\`.
Alerts, dashboards and a \`prometheus.yml\` are in \`deploy/monitoring\`; the same counts go to Workers Analytics
Engine: [analytics.md](analytics.md).

- Counters and histograms are kept by the objects that count, and by the object that adds them up: they never go
  back, whatever is reset. What an object had not kept yet when it was reset is lost: less than a minute.
- Gauges of an object that has been silent for three minutes are gone: a dead object does not look healthy.
- What is not known is absent, never zero. Ages are counted at the scrape, from the time since which they run.
- No label carries a symbol.

## Set up

- Prometheus: \`deploy/monitoring/prometheus.yml\`, with the host of the deployment, and a key of role metrics, alone,
  in the file that it names. Rules beside it: \`alerts-slo.yaml\`; \`promtool test rules alerts-slo.test.yaml\` plays
  each alert, at night, on a weekend, after an early close and without data too. Other links to runbooks or to
  Grafana: \`npm run -s monitoring -- --rules --runbook-url URL --grafana-url URL > alerts-slo.yaml\`.
- Grafana: import the four files of \`deploy/monitoring/grafana\`; which Prometheus to ask is a variable of theirs.
- \`npm run ops:drill\` makes each alert true on a local stack, with the rules at a sixtieth of their time. Thresholds
  that 32 symbols and a busy machine can't have are in its own measure there (\`dev/drill/run-drill.ts\`).

## All of them

| metric | type | labels | what |
|---|---|---|---|
`;

/** The page of all metrics, for people. */
export function metricsPage(): string {
  const rows = Object.entries<MetricDefinition>(METRICS)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, { type, labels, help }]) => {
      const named = labels.length === 0 ? "" : labels.map((label) => `\`${label}\``).join(", ");
      return `| \`${name}\` | ${type} | ${named} | ${help.replaceAll("|", "\\|")} |\n`;
    });
  return HEAD + rows.join("");
}
