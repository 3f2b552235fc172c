import { parseArgs } from "node:util";
import { readTarget, type Target, TARGET_OPTIONS } from "../deployment/target.ts";

/** What `npm run preflight` was asked to do. */
export interface PreflightOptions extends Target {
  /** Address of Prometheus; null: what it knows stays unknown. */
  readonly prometheus: string | null;
  readonly grafana: string | null;
  /** Token of a Grafana service account; null when it asks for none. */
  readonly grafanaToken: string | null;
  readonly json: boolean;
}

export const USAGE = `npm run preflight -- --url URL --key-env NAME [options]
  --url URL            address of the deployment, https://…
  --key-env NAME       the environment variable that holds an ops key
  --prometheus URL     the Prometheus that shall scrape it
  --grafana URL        the Grafana that shall have the dashboards
  --grafana-env NAME   the environment variable that holds Grafana's token
  --json               print the result as one JSON line
exit code: 0 no check fails, 1 one does, 2 usage`;

/** Reads the command line. Throws with a sentence that says what is wrong. */
export function parsePreflightOptions(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): PreflightOptions {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      ...TARGET_OPTIONS,
      prometheus: { type: "string" },
      grafana: { type: "string" },
      "grafana-env": { type: "string" },
      json: { type: "boolean", default: false },
    },
  });
  const tokenEnv = values["grafana-env"];
  const grafanaToken = tokenEnv === undefined ? null : env[tokenEnv];
  if (grafanaToken === undefined)
    throw new Error("the variable that --grafana-env names is not set");
  return {
    ...readTarget(values, env),
    prometheus: address("--prometheus", values.prometheus),
    grafana: address("--grafana", values.grafana),
    grafanaToken,
    json: values.json,
  };
}

function address(option: string, url: string | undefined): string | null {
  if (url === undefined) return null;
  if (!/^https?:\/\/[^/]/.test(url)) throw new Error(`${option} is no http(s) address`);
  return url.replace(/\/+$/, "");
}
