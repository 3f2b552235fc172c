import type { DurableObjectStorage } from "@cloudflare/workers-types";
import { z } from "zod";
import { CONFIG_SCHEMA_VERSION, type ServiceConfig } from "../contracts/config.ts";
import {
  CONFIG_ORIGINS,
  type ConfigOrigin,
  type ConfigProposal,
  type ConfigStamp,
  type ConfigState,
  type ConfigVersion,
  type SwapAnswer,
} from "../contracts/config-version.ts";
import type { EpochMs } from "../domain/time.ts";
import { ActLog } from "../platform/act-log.ts";
import { MAX_REASON_TEXT } from "../routing/isolation.ts";
import { diffConfig } from "./diff-config.ts";
import { readConfig } from "./lift-config.ts";

/** Versions that can be gone back to; the oldest go. */
const MAX_VERSIONS = 500;
/** Who made a version that came with a deploy. */
const DEPLOYMENT = "deployment";
const COLUMNS = "version, schema_version, body, origin, actor, reason, at";

const rowSchema = z
  .object({
    version: z.number(),
    schema_version: z.number(),
    body: z.string(),
    origin: z.enum(CONFIG_ORIGINS),
    actor: z.string(),
    reason: z.string().nullable(),
    at: z.number(),
  })
  .transform(({ schema_version: schemaVersion, at: atMs, ...rest }): ConfigVersion => ({
    ...rest,
    schemaVersion,
    atMs,
  }));
const variablesSchema = z.object({ variables: z.string() });

/** A version before it is numbered. */
type NewVersion = Omit<ConfigProposal, "expected"> & { readonly schemaVersion: number };

/**
 * The versions of the configuration in the SQLite of ConfigStore: numbered without holes, only ever added
 * to, the newest is the active one. A swap, its audit and what falls out of the bound are one transaction.
 * Synchronous throughout: nothing comes between the comparison with the expected version and the swap.
 */
export class ConfigBook {
  #storage: DurableObjectStorage;
  /** What the variables of this deployment say, as JSON text. */
  #variables: string | null = null;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
  }

  /**
   * Takes in what the deployment's variables say. They are a version of their own when there is none yet
   * or when they have changed and nobody but the variables made the active one.
   */
  deploy(config: ServiceConfig, atMs: EpochMs): void {
    const body = JSON.stringify(config);
    if (body === this.#variables) return;
    this.#variables = body;
    const active = this.active();
    if (active !== null && (active.origin !== "variables" || isSame(active.body, body))) return;
    const reason = active === null ? null : "the deployment's variables have changed";
    const version = { body, origin: "variables", actor: DEPLOYMENT, reason } as const;
    this.#append({ ...version, schemaVersion: CONFIG_SCHEMA_VERSION }, active, atMs);
  }

  /** The newest version; null before the first deploy. */
  active(): ConfigVersion | null {
    return this.list(null, 1)[0] ?? null;
  }

  find(version: number): ConfigVersion | null {
    const rows = this.#storage.sql
      .exec(`SELECT ${COLUMNS} FROM config WHERE version = ?`, version)
      .toArray();
    return rows[0] === undefined ? null : rowSchema.parse(rows[0]);
  }

  /** Versions before one (null: from the newest on), newest first. */
  list(before: number | null, limit: number): ConfigVersion[] {
    return this.#storage.sql
      .exec(
        `SELECT ${COLUMNS} FROM config WHERE version < ? ORDER BY version DESC LIMIT ?`,
        before ?? Number.MAX_SAFE_INTEGER,
        limit,
      )
      .toArray()
      .map((row) => rowSchema.parse(row));
  }

  /** What is acted by; without its body for whoever knows it. Throws before the first deploy. */
  state(known: ConfigStamp | null): ConfigState {
    const active = this.active();
    if (active === null) throw new Error("there is no configuration yet");
    const { inForce, fault } = this.#inForce(active);
    const isKnown = known?.version === inForce.version && known.atMs === inForce.atMs;
    return {
      inForce: stampOf(inForce),
      body: isKnown ? null : inForce.body,
      active: { ...stampOf(active), origin: active.origin },
      fault,
      isDrifted:
        active.origin !== "variables" &&
        !isSame(this.#variablesAt(active), this.#variables ?? "null"),
    };
  }

  /** Makes a version the active one, if the expected one still is. */
  swap({ expected, ...proposal }: ConfigProposal, atMs: EpochMs): SwapAnswer {
    const active = this.active();
    if (active === null) throw new Error("there is no configuration yet");
    if (active.version !== expected) return { ok: false, version: stampOf(active) };
    const version = { ...proposal, schemaVersion: CONFIG_SCHEMA_VERSION };
    return { ok: true, version: this.#append(version, active, atMs) };
  }

  /** The active version, or the newest before it that this code can read. */
  #inForce(active: ConfigVersion): { inForce: ConfigVersion; fault: string | null } {
    const read = readConfig(active.body);
    if (read.ok) return { inForce: active, fault: null };
    const why = `version ${active.version} of the configuration can't be read: ${read.reason}`;
    const before = this.list(active.version, MAX_VERSIONS).find(({ body }) => readConfig(body).ok);
    if (before !== undefined)
      return { inForce: before, fault: `${why}; version ${before.version} is in force` };
    const body = this.#variables;
    if (body === null) throw new Error(why);
    const variables = { ...active, version: 0, body, origin: "variables" as const };
    return { inForce: variables, fault: `${why}; the deployment's variables are in force` };
  }

  #variablesAt({ version }: ConfigVersion): string {
    const { sql } = this.#storage;
    return variablesSchema.parse(
      sql.exec("SELECT variables FROM config WHERE version = ?", version).one(),
    ).variables;
  }

  #append(next: NewVersion, before: ConfigVersion | null, atMs: EpochMs): ConfigStamp {
    const { sql } = this.#storage;
    const version = (before?.version ?? 0) + 1;
    // Two versions of one millisecond are still two.
    const at = Math.max(atMs, (before?.atMs ?? 0) + 1);
    const [actor, reason] = [next.actor.slice(0, 100), next.reason?.slice(0, MAX_REASON_TEXT)];
    this.#storage.transactionSync(() => {
      sql.exec(
        `INSERT INTO config (${COLUMNS}, variables) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
        version,
        next.schemaVersion,
        next.body,
        next.origin,
        actor,
        reason ?? null,
        at,
        this.#variables ?? "",
      );
      sql.exec("DELETE FROM config WHERE version <= ?", version - MAX_VERSIONS);
      new ActLog(sql).write({
        atMs: at,
        actor,
        act: ACTS[next.origin],
        subject: `config:${version}`,
        reason: reason ?? null,
        detail: JSON.stringify(diffConfig(JSON.parse(before?.body ?? "{}"), JSON.parse(next.body))),
      });
    });
    return { version, atMs: at };
  }
}

/** How the audit names what was done. */
const ACTS: Readonly<Record<ConfigOrigin, string>> = {
  variables: "config_variables",
  operator: "config_set",
  rollback: "config_rollback",
};

/** Whether a stored configuration says what `now` says; a field that came with a release has its default. */
function isSame(stored: string, now: string): boolean {
  const read = readConfig(stored);
  return read.ok && diffConfig(read.config, JSON.parse(now)).length === 0;
}

function stampOf({ version, atMs }: ConfigVersion): ConfigStamp {
  return { version, atMs };
}
