import type { AlertName } from "./alert-parameters.ts";

/** What a case of an alert is: series of a sample a minute, in the notation of promtool, and who is told. */
export interface AlertCase {
  readonly alert: AlertName;
  /** What the world looks like. */
  readonly when: string;
  readonly series: Readonly<Record<string, string>>;
  readonly atMinute: number;
  /** Labels of the alerts that fire then, without those of the rule; none: it does not fire. */
  readonly fires: readonly Readonly<Record<string, string>>[];
}

/** Labels of a scrape by the job of `prometheus.yml`. */
export const SCRAPED = { job: "market-data-service", instance: "mds.example" } as const;

/** A series of the service as scraped, with labels of its own in the notation of a selector. */
export function scraped(name: string, labels = ""): string {
  const all = [labels, `job="${SCRAPED.job}"`, `instance="${SCRAPED.instance}"`];
  return `${name}{${all.filter((part) => part !== "").join(",")}}`;
}
