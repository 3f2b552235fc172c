import type { KeyRole } from "../contracts/keys.ts";
import type { Settings } from "../env.ts";

/** What the routes share: bindings, and what the middleware before them put there. */
export interface ApiEnv {
  Bindings: Env;
  Variables: {
    settings: Settings;
    requestId: string;
    /** Of the key that the request carried; set, like its id, for routes that need one. */
    role: KeyRole;
    /** By which acts are audited: `bootstrap`, or the id of a made key. */
    keyId: string;
  };
}
