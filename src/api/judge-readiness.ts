import { groupName } from "../domain/symbol.ts";
import { type EpochMs, MINUTE_MS, SECOND_MS, toIso } from "../domain/time.ts";
import type { Settings } from "../env.ts";
import { NEWEST_MIGRATION } from "../postgres/schema-version.ts";
import { findingWarnings } from "../routing/key-finding.ts";
import { carriesAll, policyCapacities, shortageText } from "../routing/policy-capacity.ts";
import { policyStandings, standingWarnings } from "../routing/policy-standing.ts";
import type { Pulse } from "../slo/pulse.ts";
import type { GroupStatus } from "../symbol-group/group-status.ts";
import type { ConfigHealth } from "./config-health.ts";
import { type JobSourceView, jobSourceWarning } from "./job-source-view.ts";
import { findingsOf, type ProviderSnapshots } from "./provider-snapshots.ts";
import type { Part, ReadinessParts } from "./readiness-parts.ts";
import { sumTiers } from "./tier-sizes.ts";

/** The oldest flush that may wait for Postgres before the service counts as not ready, market ms. */
const MAX_UNDRAINED_MS = 5 * MINUTE_MS;
/** The cron comes each minute and now and then slips one; without it nothing plans and nobody wakes who sleeps. */
const MAX_TICK_AGE_MS = 5 * MINUTE_MS;
/** Samples that may be missed: an alarm may slip by a minute. */
const MAX_SAMPLE_LATE_MS = 3 * MINUTE_MS;

/** Market and wall time of one judgement. */
export interface Instants {
  readonly marketMs: EpochMs;
  readonly wallMs: EpochMs;
}

/** Whether the service does its work: reasons are why not, warnings what a person should know all the same. */
export interface Readiness {
  readonly ready: boolean;
  readonly reasons: string[];
  readonly warnings: string[];
  readonly config: ConfigHealth["view"];
  /** Null when it could not be found out. */
  readonly jobs: JobSourceView | null;
  readonly groups: { members: number; connections: number; undrained_oldest_s: number | null };
  /** The newest migration; null when there is none, or nobody can say. */
  readonly database: { migration: string | null };
  /** The last cron tick, wall time; null when none has come yet, or nobody can say. */
  readonly cron: { last_tick_at: string | null };
  /** Samples of the service level, market time; null when nobody can say. */
  readonly slo: { last_sample_at: string | null; next_sample_at: string } | null;
}

/** Judges what the parts of the deployment answered. */
export function judgeReadiness(
  settings: Settings,
  parts: ReadinessParts,
  now: Instants,
): Readiness {
  const statuses = parts.groups.flatMap((group) => (group.ok ? [group.value] : []));
  const undrainedMs = oldestUndrainedMs(statuses, now.marketMs);
  const migration = parts.database.ok ? parts.database.value : null;
  const pulse = parts.pulse.ok ? parts.pulse.value : null;
  const reasons = [
    ...databaseReasons(parts.database),
    ...parts.config.reasons,
    ...silentGroups(parts.groups),
    ...(undrainedMs !== null && undrainedMs > MAX_UNDRAINED_MS
      ? [`a flush has waited ${inSeconds(undrainedMs)} for the database`]
      : []),
    ...statuses.flatMap(({ group, drainFault }) =>
      drainFault === null ? [] : [`${groupName(group)} cannot drain: ${drainFault}`],
    ),
    ...tickReasons(pulse?.lastTickMs ?? null, now.wallMs),
    ...(parts.metrics.ok ? parts.metrics.value : [`metrics: ${parts.metrics.error}`]),
  ];
  const members = statuses.reduce((sum, status) => sum + status.members, 0);
  return {
    ready: reasons.length === 0,
    reasons,
    warnings: [
      ...(migration !== null && migration > NEWEST_MIGRATION
        ? [`the database has migration ${migration}, later than this release's ${NEWEST_MIGRATION}`]
        : []),
      ...parts.config.warnings,
      ...providerWarnings(settings, parts.providers),
      ...planWarnings(parts),
      ...pulseWarnings(parts.pulse, now.marketMs),
      ...statuses.flatMap(({ group, drainNotes }) =>
        drainNotes.map(({ text, atMs }) => `${groupName(group)} at ${toIso(atMs)}: ${text}`),
      ),
      ...statuses.flatMap(({ unserved }) =>
        unserved.map(({ type, reason }) => `${type} is unserved: ${reason}`),
      ),
      ...(members === 0 ? ["no symbol is served: the universe is empty"] : []),
      ...policyCapacities(settings, sumTiers(statuses))
        .filter((each) => !carriesAll(each))
        .map(shortageText),
    ],
    config: parts.config.view,
    jobs: parts.jobs.ok ? parts.jobs.value : null,
    groups: {
      members,
      connections: statuses.reduce((sum, status) => sum + status.connections, 0),
      undrained_oldest_s: undrainedMs === null ? null : Math.round(undrainedMs / SECOND_MS),
    },
    database: { migration },
    cron: { last_tick_at: isoOrNull(pulse?.lastTickMs ?? null) },
    slo:
      pulse === null
        ? null
        : {
            last_sample_at: isoOrNull(pulse.lastSample?.atMs ?? null),
            next_sample_at: toIso(pulse.nextSampleMs),
          },
  };
}

function databaseReasons(database: Part<string | null>): string[] {
  if (!database.ok) return [`database: ${database.error}`];
  if (database.value === null) return ["database: no migration has been applied: npm run migrate"];
  if (database.value >= NEWEST_MIGRATION) return [];
  const lacks = `it has migration ${database.value}, this release needs ${NEWEST_MIGRATION}`;
  return [`database: ${lacks}: npm run migrate`];
}

/** When nobody answers it is one fault, not one for each. */
function silentGroups(groups: readonly Part<GroupStatus>[]): string[] {
  const silent = groups.flatMap((group, number) =>
    group.ok ? [] : [{ name: groupName(number), error: group.error }],
  );
  const [first] = silent;
  if (first === undefined) return [];
  if (silent.length === 1) return [`${first.name} does not answer: ${first.error}`];
  const names = silent.map(({ name }) => name).join(" ");
  return [`${silent.length} groups do not answer (${names}): ${first.error}`];
}

/** A new deployment has not had one yet, and gets it within a quarter of an hour. */
function tickReasons(lastTickMs: EpochMs | null, wallMs: EpochMs): string[] {
  if (lastTickMs === null || wallMs - lastTickMs <= MAX_TICK_AGE_MS) return [];
  return [`cron: the last tick is ${inSeconds(wallMs - lastTickMs)} old`];
}

function providerWarnings(settings: Settings, snapshots: ProviderSnapshots): string[] {
  const findings = findingsOf(snapshots);
  return [
    ...standingWarnings(policyStandings(settings, findings)),
    ...findingWarnings(findings),
    ...[...snapshots].flatMap(([provider, snapshot]) => {
      if (snapshot instanceof Error)
        return [`provider ${provider} can't be judged: ${snapshot.message}`];
      if (snapshot.isolated !== null) return [`provider ${provider} is isolated by hand`];
      return snapshot.capabilities
        .filter(({ state }) => state === "open")
        .map(({ capability }) => `the breaker of ${provider} for ${capability} is open`);
    }),
  ];
}

/** Group g00 keeps both; that one which does not answer is told of as a reason. */
function planWarnings({ jobs, calendar }: ReadinessParts): string[] {
  const source = jobs.ok ? jobSourceWarning(jobs.value) : null;
  return [...(source === null ? [] : [source]), ...(calendar.ok ? calendar.value : [])];
}

function pulseWarnings(pulse: Part<Pulse>, marketMs: EpochMs): string[] {
  if (!pulse.ok) return [`the monitor of service levels does not answer: ${pulse.error}`];
  const { lastSample, nextSampleMs } = pulse.value;
  if (lastSample === null) return [];
  const lateMs = marketMs - nextSampleMs;
  if (lateMs > MAX_SAMPLE_LATE_MS)
    return [`the monitor of service levels is silent: a sample is ${inSeconds(lateMs)} late`];
  return lastSample.state === "unknown" ? ["the service level is unknown: see GET /ops/slo"] : [];
}

function oldestUndrainedMs(statuses: readonly GroupStatus[], marketMs: EpochMs): number | null {
  const oldest = statuses.flatMap(({ undrainedOldestMs }) =>
    undrainedOldestMs === null ? [] : [undrainedOldestMs],
  );
  return oldest.length === 0 ? null : marketMs - Math.min(...oldest);
}

function isoOrNull(ms: EpochMs | null): string | null {
  return ms === null ? null : toIso(ms);
}

function inSeconds(ms: number): string {
  return `${Math.round(ms / SECOND_MS)} s`;
}
