import type { World } from "./world.ts";

/** `unknown`: it can't be seen from here, which is neither good nor bad. */
export const CHECK_STATES = ["ok", "warn", "fail", "unknown"] as const;
export type CheckState = (typeof CHECK_STATES)[number];

/** What a check found, why it says so, and what to do about it; null when there is nothing to do. */
export interface Finding {
  readonly state: CheckState;
  readonly reason: string;
  readonly todo: string | null;
}

/** One line of the production checklist. `run` never rejects. */
export interface Check {
  readonly name: string;
  readonly run: (world: World) => Promise<Finding>;
}

/** All is as it should be. */
export function ok(reason: string): Finding {
  return { state: "ok", reason, todo: null };
}

/** It works, and a person should know. */
export function warn(reason: string, todo: string): Finding {
  return { state: "warn", reason, todo };
}

/** Not fit for production. */
export function fail(reason: string, todo: string): Finding {
  return { state: "fail", reason, todo };
}

/** Can't be seen from here; `todo` says how it could be. */
export function unknown(reason: string, todo: string): Finding {
  return { state: "unknown", reason, todo };
}
