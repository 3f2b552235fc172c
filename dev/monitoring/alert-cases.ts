import type { AlertCase } from "./alert-case.ts";
import { DEFAULT_PARAMETERS } from "./alert-parameters.ts";
import { alertRules } from "./alert-rules.ts";
import { CONTINUITY_CASES } from "./continuity-cases.ts";
import { SERVICE_CASES } from "./service-cases.ts";
import type { Yaml } from "./yaml.ts";

/** All cases of all alerts. */
export const ALERT_CASES: readonly AlertCase[] = [...CONTINUITY_CASES, ...SERVICE_CASES];

/** The cases as a file of `promtool test rules`, for the committed rules. */
export function ruleTests(ruleFile: string): Yaml {
  const rules = alertRules(DEFAULT_PARAMETERS).flatMap((group) => group.rules);
  return {
    rule_files: [ruleFile],
    evaluation_interval: "30s",
    tests: ALERT_CASES.map((one) => {
      const rule = rules.find(({ alert }) => alert === one.alert);
      if (rule === undefined) throw new Error(`no rule for ${one.alert}`);
      return {
        name: `${one.alert} ${one.fires.length > 0 ? "fires" : "does not fire"}: ${one.when}`,
        interval: "1m",
        input_series: Object.entries(one.series).map(([series, values]) => ({ series, values })),
        alert_rule_test: [
          {
            eval_time: `${one.atMinute}m`,
            alertname: one.alert,
            exp_alerts: one.fires.map((labels) => ({
              exp_labels: { ...rule.labels, ...labels },
              exp_annotations: Object.fromEntries(
                Object.entries(rule.annotations).map(([key, text]) => [key, expand(text, labels)]),
              ),
            })),
          },
        ],
      };
    }),
  };
}

function expand(text: string, labels: Readonly<Record<string, string>>): string {
  return text.replaceAll(/\{\{ \$labels\.(\w+) \}\}/g, (_, name: string) => labels[name] ?? "");
}
