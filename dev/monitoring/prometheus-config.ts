import type { Yaml } from "./yaml.ts";

/** What a Prometheus is configured for. */
export interface PrometheusTarget {
  /** `host` or `host:port` of the service. */
  readonly target: string;
  readonly scheme: "http" | "https";
  readonly job: string;
  /** A file with a key of role metrics, and nothing else. */
  readonly keyFile: string;
  readonly ruleFile: string;
  readonly scrapeEvery: string;
  readonly evaluateEvery: string;
}

/** The configuration of a Prometheus that scrapes one deployment and evaluates its rules. */
export function prometheusConfig(options: PrometheusTarget): Yaml {
  return {
    global: {
      scrape_interval: options.scrapeEvery,
      scrape_timeout: options.scrapeEvery,
      evaluation_interval: options.evaluateEvery,
    },
    rule_files: [options.ruleFile],
    scrape_configs: [
      {
        job_name: options.job,
        metrics_path: "/metrics",
        scheme: options.scheme,
        authorization: { type: "Bearer", credentials_file: options.keyFile },
        static_configs: [{ targets: [options.target] }],
      },
    ],
  };
}
