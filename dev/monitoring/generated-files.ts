import { ruleTests } from "./alert-cases.ts";
import { type AlertParameters, DEFAULT_PARAMETERS } from "./alert-parameters.ts";
import { alertRules } from "./alert-rules.ts";
import { backfillDashboard } from "./dashboards/backfill-dashboard.ts";
import { ingestionDashboard } from "./dashboards/ingestion-dashboard.ts";
import { providersDashboard } from "./dashboards/providers-dashboard.ts";
import { websocketDashboard } from "./dashboards/websocket-dashboard.ts";
import { metricsPage } from "./metrics-page.ts";
import { prometheusConfig } from "./prometheus-config.ts";
import { toYaml, type Yaml } from "./yaml.ts";

const HEAD = "# Written by `npm run monitoring`; what is changed here by hand is lost.\n";
const FOLDER = "deploy/monitoring";
const RULE_FILE = "alerts-slo.yaml";

/** The rules of the alerts as a file. */
export function ruleFile(parameters: AlertParameters): string {
  const groups = alertRules(parameters).map(({ name, interval, rules }): Yaml => ({
    name,
    interval,
    rules: rules.map((rule) => ({ ...rule })),
  }));
  return HEAD + toYaml({ groups });
}

/** All files that are written from templates, by their path in the repository. */
export function generatedFiles(): ReadonlyMap<string, string> {
  const config = prometheusConfig({
    target: "market-data-service.example.workers.dev",
    scheme: "https",
    job: DEFAULT_PARAMETERS.job,
    keyFile: "/etc/prometheus/market-data-service.key",
    ruleFile: RULE_FILE,
    scrapeEvery: "15s",
    evaluateEvery: "30s",
  });
  const about =
    "# Put the host of your deployment under `targets`, and a key of role metrics, alone, into the file of the key.\n";
  const dashboards = {
    ingestion: ingestionDashboard(),
    backfill: backfillDashboard(),
    providers: providersDashboard(),
    websocket: websocketDashboard(),
  };
  return new Map([
    ["docs/metrics.md", metricsPage()],
    [`${FOLDER}/${RULE_FILE}`, ruleFile(DEFAULT_PARAMETERS)],
    [`${FOLDER}/alerts-slo.test.yaml`, HEAD + toYaml(ruleTests(RULE_FILE))],
    [`${FOLDER}/prometheus.yml`, HEAD + about + toYaml(config)],
    ...Object.entries(dashboards).map(([name, dashboard]): [string, string] => [
      `${FOLDER}/grafana/${name}.json`,
      `${JSON.stringify(dashboard, null, 2)}\n`,
    ]),
  ]);
}
