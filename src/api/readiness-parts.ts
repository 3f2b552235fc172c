import type { Settings } from "../env.ts";
import { marketClock, wallClock } from "../platform/clocks.ts";
import { errorText } from "../platform/log.ts";
import { metricsHubStub, sloMonitorStub, symbolGroupStub } from "../platform/stubs.ts";
import { within } from "../platform/timers.ts";
import { readSchemaVersion } from "../postgres/schema-version.ts";
import { sqlClientOf } from "../postgres/service-client.ts";
import type { Pulse } from "../slo/pulse.ts";
import type { GroupStatus } from "../symbol-group/group-status.ts";
import { configHealth, type ConfigHealth } from "./config-health.ts";
import { calendarWarnings, checkedCalendar } from "./calendar-view.ts";
import { type JobSourceView, jobSourceView } from "./job-source-view.ts";
import { metricFaults } from "./metric-faults.ts";
import { type ProviderSnapshots, providerSnapshots } from "./provider-snapshots.ts";

/**
 * What a part may take, wall ms: an object answers in milliseconds, a suspended database wakes in about a second,
 * and whoever asks for readiness gives up after ten as a rule.
 */
const PART_LIMIT_MS = 3_000;

/** What a part of the deployment answered in time, or why it did not. */
export type Part<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: string };

/** The deployment's parts, each asked by itself: one that hangs hides none of the others. */
export interface ReadinessParts {
  /** The newest migration that the database has. */
  readonly database: Part<string | null>;
  readonly config: ConfigHealth;
  readonly providers: ProviderSnapshots;
  readonly jobs: Part<JobSourceView>;
  /** What differs between the calendar and a provider's. */
  readonly calendar: Part<readonly string[]>;
  readonly pulse: Part<Pulse>;
  /** What is wrong with the metrics that the hub has. */
  readonly metrics: Part<readonly string[]>;
  /** By group number. */
  readonly groups: readonly Part<GroupStatus>[];
}

/**
 * Asks every part at the same time: it takes as long as the slowest, and `PART_LIMIT_MS` at most. The objects
 * themselves are asked, not the reports that they send to MetricsHub: those outlive an object by minutes.
 */
export async function askParts(settings: Settings, env: Env): Promise<ReadinessParts> {
  const sql = sqlClientOf(settings, PART_LIMIT_MS);
  const groups = Array.from({ length: settings.symbolGroups }, (_, group) =>
    part(symbolGroupStub(env, group).status()),
  );
  const heard = async () => await metricsHubStub(env).heard();
  const { stepped } = marketClock;
  const [database, config, providers, jobs, calendar, pulse, metrics] = await Promise.all([
    part(readSchemaVersion(sql)),
    configHealth(env),
    providerSnapshots(env),
    part(jobSourceView(settings, env)),
    part(checkedCalendar(settings, env).then(calendarWarnings)),
    part(sloMonitorStub(env).pulse()),
    part(metricFaults({ heard, now: () => wallClock.now(), stepped })),
  ]);
  return {
    database,
    config,
    providers,
    jobs,
    calendar,
    pulse,
    metrics,
    groups: await Promise.all(groups),
  };
}

async function part<T>(asked: PromiseLike<T>): Promise<Part<T>> {
  try {
    return { ok: true, value: await within(PART_LIMIT_MS, asked) };
  } catch (error) {
    return { ok: false, error: errorText(error) };
  }
}
