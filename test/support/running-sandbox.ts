import { createPublication } from "../../dev/market/publication.ts";
import { createSyntheticMarket } from "../../dev/market/synthetic-market.ts";
import { startSandbox } from "../../dev/sandbox/start-sandbox.ts";
import type { Sandbox, SandboxOptions } from "../../dev/sandbox/start-sandbox.ts";
import type { Market } from "../../dev/market/market.ts";
import type { PublicationSchedule } from "../../dev/market/publication.ts";
import { MINUTE_MS } from "../../src/domain/time.ts";
import type { EpochMs } from "../../src/domain/time.ts";

/** First minute of the session that sandbox tests read. */
export const OPEN_MS = Date.parse("2026-03-20T13:30:00Z");

/** Keys that the sandbox under test accepts. */
export const KEYS = {
  alpacaKeyId: "key-id",
  alpacaSecret: "secret",
  polygonApiKey: "api-key",
  finnhubToken: "token",
  iexKeyId: "iex-key-id",
  iexSecret: "iex-secret",
};
export const ALPACA_HEADERS = { "apca-api-key-id": "key-id", "apca-api-secret-key": "secret" };
export const POLYGON_HEADERS = { authorization: "Bearer api-key" };
export const FINNHUB_HEADERS = { "x-finnhub-token": "token" };
export const IEX_HEADERS = { "apca-api-key-id": "iex-key-id", "apca-api-secret-key": "iex-secret" };

/** A sandbox whose market time a test sets by hand. */
export interface RunningSandbox extends Sandbox {
  readonly market: Market;
  readonly publication: PublicationSchedule;
  /** Move market time. */
  setNow(nowMs: EpochMs): void;
  get(path: string, headers: Record<string, string>): Promise<Response>;
}

/** Start one over 300 synthetic symbols; market time stands at two hours into the session. */
export async function startTestSandbox(
  options: Omit<SandboxOptions, "market" | "publication" | "now" | "keys"> = {},
): Promise<RunningSandbox> {
  const market = createSyntheticMarket({ seed: 7, symbols: 300 });
  const publication = createPublication(market, { seed: 3, lateRate: 0.02, correctedRate: 0.01 });
  let clockMs = OPEN_MS + 120 * MINUTE_MS;
  const sandbox = await startSandbox({
    ...options,
    market,
    publication,
    now: () => clockMs,
    keys: KEYS,
  });
  return {
    ...sandbox,
    market,
    publication,
    setNow: (nowMs) => {
      clockMs = nowMs;
    },
    get: (path, headers) => fetch(new URL(path, sandbox.url), { headers }),
  };
}
