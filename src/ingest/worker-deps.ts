import type { Settings } from "../env.ts";
import { marketClock, wallClock } from "../platform/clocks.ts";
import { providerBreakerStub } from "../platform/stubs.ts";
import { createHttpGet } from "../providers/http-get.ts";
import type { AskDeps } from "./ask-provider.ts";

/** What a runner asks providers with: their objects, the network, and both clocks. */
export function workerDeps(settings: Settings, env: Env): AskDeps {
  return {
    breaker: (provider) => providerBreakerStub(env, provider),
    get: createHttpGet((url, init) => fetch(url, init)),
    market: marketClock,
    wall: wallClock,
    timeoutMs: settings.config.timeout_ms,
  };
}
