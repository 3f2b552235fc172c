import type { Settings } from "../env.ts";
import { configStoreStub } from "../platform/stubs.ts";

const GROUPS_PIN = "symbol_groups";

// A pin never changes once it stands, so an isolate asks once; a failed question is asked again.
const checked = new WeakMap<Env, Promise<string | null>>();

/**
 * Why this deployment must not run, or null: the number of symbol groups is pinned at the first start,
 * for symbols have been placed by it. Rejects when the pin could not be read.
 */
export function pinFault(settings: Settings, env: Env): Promise<string | null> {
  const known = checked.get(env);
  if (known !== undefined) return known;
  const asked = checkGroups(settings, env);
  checked.set(env, asked);
  asked.catch(() => checked.delete(env));
  return asked;
}

async function checkGroups(settings: Settings, env: Env): Promise<string | null> {
  const wanted = String(settings.symbolGroups);
  const { ok, pinned } = await configStoreStub(env).pin(GROUPS_PIN, wanted);
  return ok
    ? null
    : `SYMBOL_GROUPS is ${wanted}, but symbols have been placed by ${pinned} groups: it cannot change`;
}
