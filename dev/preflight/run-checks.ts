import { queueConsumed, secretsSet } from "./account-checks.ts";
import { type Check, CHECK_STATES, type CheckState, type Finding, unknown } from "./check.ts";
import { alertsLoaded, dashboardsThere, scraped } from "./monitoring-checks.ts";
import { loadTested, rollbackWritten, testsPass } from "./paper-checks.ts";
import { configured, cronFires, migrated, reachable, ready } from "./readiness-checks.ts";
import {
  configStored,
  deadLetters,
  keysMade,
  sloRuns,
  streamWorks,
  tracingOff,
} from "./service-checks.ts";
import type { World } from "./world.ts";

/** The production checklist, in the order in which one would look. */
export const CHECKLIST: readonly Check[] = [
  reachable,
  configured,
  secretsSet,
  migrated,
  ready,
  cronFires,
  streamWorks,
  sloRuns,
  deadLetters,
  queueConsumed,
  configStored,
  keysMade,
  tracingOff,
  scraped,
  alertsLoaded,
  dashboardsThere,
  testsPass,
  loadTested,
  rollbackWritten,
];

/** A finding with the name of its check. */
export type NamedFinding = Finding & { readonly name: string };

/** What a checklist came to. */
export interface Preflight {
  readonly checks: readonly NamedFinding[];
  readonly counts: Readonly<Record<CheckState, number>>;
}

/** Runs every check, one after the other: none is left out because another one failed. */
export async function runChecks(
  world: World,
  checks: readonly Check[] = CHECKLIST,
): Promise<Preflight> {
  const found: NamedFinding[] = [];
  for (const check of checks) found.push({ name: check.name, ...(await runOne(check, world)) });
  const counts = { ok: 0, warn: 0, fail: 0, unknown: 0 };
  for (const { state } of found) counts[state] += 1;
  return { checks: found, counts };
}

async function runOne(check: Check, world: World): Promise<Finding> {
  try {
    return await check.run(world);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return unknown(`the check itself broke: ${why}`, "this is a fault of the check");
  }
}

/** A preflight as lines for a terminal. */
export function linesOf({ checks, counts }: Preflight): string[] {
  const width = Math.max(...checks.map(({ name }) => name.length));
  return [
    ...checks.flatMap(({ name, state, reason, todo }) => [
      `${state.padEnd(7)} ${name.padEnd(width)}  ${reason}`,
      ...(todo === null ? [] : [`${" ".repeat(8 + width)}  -> ${todo}`]),
    ]),
    CHECK_STATES.map((state) => `${counts[state]} ${state}`).join(", "),
  ];
}
