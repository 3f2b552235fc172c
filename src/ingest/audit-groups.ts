import {
  auditMinutesSchema,
  type AuditSummary,
  auditSumsSchema,
  type GroupAudit,
} from "../contracts/audit.ts";
import { AUDIT_KINDS, noDifferences } from "../domain/audit.ts";
import type { TradingSession } from "../domain/calendar.ts";
import { groupName } from "../domain/symbol.ts";
import { calendarOf, type Settings } from "../env.ts";
import { errorText, log } from "../platform/log.ts";
import { symbolGroupStub } from "../platform/stubs.ts";
import { readAuditBars, readAuditHoles } from "../postgres/audit-store.ts";
import { sqlClientOf } from "../postgres/service-client.ts";
import { auditGroup, type AuditDeps, emptyAudit } from "./audit.ts";

/** Groups that are audited at a time: each reads pages of 2 MB. */
const MAX_AT_ONCE = 4;
/** A page of bars is some 8,000 rows. */
const FETCH_TIMEOUT_MS = 30_000;

/** Which groups are audited over which session; and whether what is found is mended. */
export interface AuditOrder {
  readonly groups: readonly number[];
  readonly session: TradingSession;
  readonly repair: boolean;
}

/** Audits some groups, in their order. Never rejects: who does not answer is `unavailable`. */
export async function auditGroups(
  { groups, session, repair }: AuditOrder,
  settings: Settings,
  env: Env,
): Promise<GroupAudit[]> {
  const deps = auditDeps(settings, env);
  const window = { startMs: session.preOpenMs, endMs: session.postCloseMs };
  const audits = new Map<number, GroupAudit>();
  const waiting = [...groups];
  const work = async () => {
    for (let group = waiting.shift(); group !== undefined; group = waiting.shift()) {
      audits.set(group, await auditOne({ group, window, repair }, deps));
    }
  };
  await Promise.all(Array.from({ length: MAX_AT_ONCE }, work));
  return groups.map((group) => audits.get(group) ?? emptyAudit(group, "unavailable"));
}

/** What the audits of a session come to together. */
export function summarize(date: string, audits: readonly GroupAudit[]): AuditSummary {
  const differences = noDifferences();
  for (const audit of audits)
    for (const kind of AUDIT_KINDS) differences[kind] += audit.differences[kind];
  const left = audits.filter(({ state }) => state === "undrained" || state === "unavailable");
  return {
    date,
    audited: audits.length - left.length,
    left: left.map(({ group }) => group),
    differences,
    repaired: audits.reduce((total, audit) => total + audit.repaired, 0),
    cut: audits.filter((audit) => audit.is_cut).length,
  };
}

async function auditOne(
  ask: Parameters<typeof auditGroup>[0],
  deps: AuditDeps,
): Promise<GroupAudit> {
  const group = groupName(ask.group);
  try {
    const audit = await auditGroup(ask, deps);
    if (audit.examples.length > 0) {
      const [first] = audit.examples;
      const { differences, repaired, is_cut } = audit;
      const example = first === undefined ? "" : `${first.symbol} ${first.ts} ${first.kind}`;
      log("warn", "Postgres differs from a group", {
        group,
        ...differences,
        repaired,
        is_cut,
        example,
      });
    }
    return audit;
  } catch (error) {
    log("warn", "a group could not be audited", { group, error: errorText(error) });
    return emptyAudit(ask.group, "unavailable");
  }
}

function auditDeps(settings: Settings, env: Env): AuditDeps {
  const sql = sqlClientOf(settings, FETCH_TIMEOUT_MS);
  return {
    calendar: calendarOf(settings),
    sums: async (group, window) =>
      auditSumsSchema.parse(await symbolGroupStub(env, group).auditSums(window)),
    minutes: async (group, window, symbols) =>
      auditMinutesSchema.parse(await symbolGroupStub(env, group).auditMinutes(window, symbols)),
    repair: (group, repair) => symbolGroupStub(env, group).auditRepair(repair),
    readBars: (symbols, window) => readAuditBars(sql, symbols, window),
    readHoles: (symbols, window) => readAuditHoles(sql, symbols, window),
  };
}
