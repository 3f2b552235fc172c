import { setTimeout as delay } from "node:timers/promises";
import { z } from "zod";
import { type GroupAudit, groupAuditSchema } from "../../src/contracts/audit.ts";
import { AUDIT_KINDS } from "../../src/domain/audit.ts";
import type { VerifyOptions } from "./options.ts";

/** A group reads pages of bars; a database that sleeps has to wake. */
const TIMEOUT_MS = 60_000;
const MAX_SHOWN_TEXT = 300;
/** While the market is open a group has now and then a flush on its way: it is asked so often again. */
const MAX_TRIES = 4;
const TRY_AGAIN_MS = 3_000;

const answerSchema = z.object({
  date: z.string(),
  symbol_groups: z.number().int().min(1),
  groups: z.array(groupAuditSchema).length(1),
});

/** What a deployment answered, group by group. */
export interface Verification {
  readonly date: string;
  readonly groups: readonly GroupAudit[];
}

/** The network, and a way to wait. */
export interface VerifyPorts {
  readonly request: typeof fetch;
  readonly wait: (delayMs: number) => Promise<void>;
}

/**
 * Asks a deployment to verify itself, one group a request, so that no request takes long. Rejects with a
 * sentence when it can't be reached or refuses; the key is in none.
 */
export async function verifyDeployment(
  { url, key, date, repair }: VerifyOptions,
  { request, wait }: VerifyPorts = { request: fetch, wait: (ms) => delay(ms) },
): Promise<Verification> {
  const ask = async (group: number, of: string | null) => {
    const response = await request(`${url}/ops/verify`, {
      method: "POST",
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
      body: JSON.stringify({ groups: [group], repair, ...(of === null ? {} : { date: of }) }),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const text = await response.text();
    if (!response.ok)
      throw new Error(`${url} answered ${response.status}: ${text.slice(0, MAX_SHOWN_TEXT)}`);
    return answerSchema.parse(JSON.parse(text));
  };
  const first = await ask(0, date);
  const audits = new Map(first.groups.map((audit) => [audit.group, audit]));
  // A session that begins meanwhile must not change what is verified.
  const visit = async (group: number) => {
    for (const audit of (await ask(group, first.date)).groups) audits.set(group, audit);
  };
  for (let group = 1; group < first.symbol_groups; group += 1) await visit(group);
  for (let tries = 1; tries < MAX_TRIES; tries += 1) {
    const waiting = [...audits.values()].filter(({ state }) => state === "undrained");
    if (waiting.length === 0) break;
    await wait(TRY_AGAIN_MS);
    for (const { group } of waiting) await visit(group);
  }
  return { date: first.date, groups: [...audits.values()].toSorted((a, b) => a.group - b.group) };
}

/** How many minutes of a group differ. */
export function differing({ differences }: GroupAudit): number {
  return AUDIT_KINDS.reduce((sum, kind) => sum + differences[kind], 0);
}

/** 0: nothing differs; 1: something does; 2: not everything could be verified. */
export function exitCodeOf({ groups }: Verification): 0 | 1 | 2 {
  if (groups.some((group) => differing(group) > 0)) return 1;
  return groups.every(({ state }) => state === "audited") ? 0 : 2;
}

/** The verification as lines for a terminal: groups with symbols, what differs, and examples. */
export function tableOf({ date, groups }: Verification): string[] {
  const head = ["group", "state", "symbols", "believed", "stored", ...AUDIT_KINDS, "repaired"];
  const rows = groups
    .filter((group) => group.symbols > 0 || group.state !== "audited")
    .map((group) => [
      `g${String(group.group).padStart(2, "0")}`,
      group.is_cut ? `${group.state} (cut)` : group.state,
      ...[group.symbols, group.bars_believed, group.bars_stored].map(String),
      ...AUDIT_KINDS.map((kind) => String(group.differences[kind])),
      String(group.repaired),
    ]);
  const widths = head.map((name, column) =>
    Math.max(name.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd();
  const total = groups.reduce((sum, group) => sum + differing(group), 0);
  const examples = groups.flatMap((group) =>
    group.examples.map(({ kind, symbol, ts }) => `  ${symbol} ${ts} ${kind}`),
  );
  return [
    `session of ${date}`,
    line(head),
    ...rows.map(line),
    total === 0 ? "nothing differs" : `${total} minutes differ`,
    ...examples,
  ];
}
