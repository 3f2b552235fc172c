import type { Settings } from "../env.ts";
import { configStoreStub } from "../platform/stubs.ts";
import { within } from "../platform/timers.ts";

const GROUPS_PIN = "symbol_groups";

/** The object answers in milliseconds; when it hangs, nothing may hang with it. */
const PIN_LIMIT_MS = 3_000;

// A pin never changes once it stands, so an isolate asks until it knows. What is kept is the answer, not the
// question: a question belongs to the request that asked it, and ends with it.
const checked = new WeakMap<Env, { readonly fault: string | null }>();

/**
 * Why this deployment must not run, or null: the number of symbol groups is pinned at the first start,
 * for symbols have been placed by it. Rejects when the pin could not be read.
 */
export async function pinFault(settings: Settings, env: Env): Promise<string | null> {
  const known = checked.get(env);
  if (known !== undefined) return known.fault;
  const fault = await within(PIN_LIMIT_MS, checkGroups(settings, env));
  checked.set(env, { fault });
  return fault;
}

async function checkGroups(settings: Settings, env: Env): Promise<string | null> {
  const wanted = String(settings.symbolGroups);
  const { ok, pinned } = await configStoreStub(env).pin(GROUPS_PIN, wanted);
  return ok
    ? null
    : `SYMBOL_GROUPS is ${wanted}, but symbols have been placed by ${pinned} groups: it cannot change`;
}
