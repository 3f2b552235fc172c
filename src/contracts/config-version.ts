import type { EpochMs } from "../domain/time.ts";

/**
 * Where a version of the configuration comes from: the deployment's variables, an operator's change, or
 * a version before it that was taken again.
 */
export const CONFIG_ORIGINS = ["variables", "operator", "rollback"] as const;
export type ConfigOrigin = (typeof CONFIG_ORIGINS)[number];

/**
 * Names a version for whoever keeps one. The time is part of it: a ConfigStore that was set back to an
 * earlier time gives its numbers out again.
 */
export interface ConfigStamp {
  readonly version: number;
  /** When it became the active one, wall time. */
  readonly atMs: EpochMs;
}

/** A version of the configuration, as it was written. */
export interface ConfigVersion extends ConfigStamp {
  /** The form that `body` has; see `src/config/lift-config.ts`. */
  readonly schemaVersion: number;
  /** The whole configuration as JSON text. */
  readonly body: string;
  readonly origin: ConfigOrigin;
  /** The key that was used, by its name; `deployment` for what its variables brought. */
  readonly actor: string;
  readonly reason: string | null;
}

/** How the configuration stands, for whoever acts by it. */
export interface ConfigState {
  /** What is acted by: the active version, or the last one that this code can read. */
  readonly inForce: ConfigStamp;
  /** Its body as JSON text; null when the asker has it already. */
  readonly body: string | null;
  readonly active: Pick<ConfigVersion, "version" | "atMs" | "origin">;
  /** Why the active version is not in force; null when it is. */
  readonly fault: string | null;
  /** The deployment's variables have changed since an operator's version was made: they are not in it. */
  readonly isDrifted: boolean;
}

/** A version that is to become the active one, if `expected` still is. */
export interface ConfigProposal {
  readonly expected: number;
  readonly body: string;
  readonly origin: ConfigOrigin;
  readonly actor: string;
  readonly reason: string | null;
}

/** What became of a proposal; `version` is the active one now. */
export type SwapAnswer =
  | { readonly ok: true; readonly version: ConfigStamp }
  | { readonly ok: false; readonly version: ConfigStamp };

/** The configuration as an object holds it. */
export interface HeldConfig extends ConfigStamp {
  /** The lowest version that it acted by in the last five minutes; null: it did not act. */
  readonly lowest: number | null;
}
