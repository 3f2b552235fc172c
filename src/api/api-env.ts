import type { Settings } from "../env.ts";

/** What the routes share: bindings, and what the first middleware put there. */
export interface ApiEnv {
  Bindings: Env;
  Variables: { settings: Settings; requestId: string };
}
