import type { AlertName, AlertParameters } from "./alert-parameters.ts";
import type { AlertSpec } from "./alert-spec.ts";
import { backfillAlerts, gapAlerts, lagAlert } from "./continuity-alerts.ts";
import { providerAlerts, serviceAlerts, writeAlert, wsAlert } from "./service-alerts.ts";

/** A rule as Prometheus reads it. */
export interface AlertRule {
  readonly alert: AlertName;
  readonly expr: string;
  readonly for?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

/** A group of rules, evaluated together. */
export interface RuleGroup {
  readonly name: string;
  readonly interval: string;
  readonly rules: readonly AlertRule[];
}

/** How often the rules are evaluated, seconds before scaling; a drill's can't be faster than its scrapes. */
const EVALUATED_EVERY_S = 30;

/** All alerts of the service, rendered with these parameters. */
export function alertRules(parameters: AlertParameters): RuleGroup[] {
  const scaled = (seconds: number) => duration(seconds / parameters.timeScale);
  const groups: readonly (readonly [string, readonly AlertSpec[]])[] = [
    ["market-data-slo", [...gapAlerts(parameters, scaled), lagAlert(parameters)]],
    ["market-data-backfill", backfillAlerts(parameters)],
    ["market-data-providers", providerAlerts(parameters, scaled)],
    ["market-data-latency", [writeAlert(parameters, scaled), wsAlert(parameters, scaled)]],
    ["market-data-service", serviceAlerts(parameters)],
  ];
  return groups.map(([name, specs]) => ({
    name,
    interval: scaled(EVALUATED_EVERY_S),
    rules: specs.map((spec) => ruleOf(spec, parameters, scaled)),
  }));
}

function ruleOf(
  spec: AlertSpec,
  { runbookUrl, grafanaUrl }: AlertParameters,
  scaled: (seconds: number) => string,
): AlertRule {
  return {
    alert: spec.alert,
    expr: spec.expr,
    ...(spec.forS === 0 ? {} : { for: scaled(spec.forS) }),
    labels: { severity: spec.severity },
    annotations: {
      summary: spec.summary,
      description: spec.description,
      runbook_url: `${runbookUrl}#${spec.alert.toLowerCase()}`,
      dashboard_url: `${grafanaUrl}/d/mds-${spec.dashboard}`,
    },
  };
}

/** A duration as Prometheus writes it, in the largest unit that is whole; at least a millisecond. */
function duration(seconds: number): string {
  const ms = Math.max(1, Math.round(seconds * 1_000));
  const units = [
    ["h", 3_600_000],
    ["m", 60_000],
    ["s", 1_000],
  ] as const;
  const unit = units.find(([, size]) => ms % size === 0);
  return unit === undefined ? `${ms}ms` : `${ms / unit[1]}${unit[0]}`;
}
