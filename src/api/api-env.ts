import type { Settings } from "../env.ts";
import type { KeyRole } from "./route-role.ts";

/** What the routes share: bindings, and what the middleware before them put there. */
export interface ApiEnv {
  Bindings: Env;
  Variables: {
    settings: Settings;
    requestId: string;
    /** Of the key that the request carried; set for routes that need one. */
    role: KeyRole;
  };
}
