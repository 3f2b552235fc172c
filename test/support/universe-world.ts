import type { ProviderId } from "../../src/domain/provider-id.ts";
import type { EpochMs } from "../../src/domain/time.ts";
import { readSettings, type Settings } from "../../src/env.ts";
import { hasSymbolList } from "../../src/ingest/list-symbols.ts";
import type { UniverseDeps } from "../../src/ingest/refresh-from-providers.ts";
import type { SqlClient } from "../../src/postgres/sql-client.ts";
import { createHttpGet } from "../../src/providers/http-get.ts";
import { configuredProviders } from "../../src/providers/registry.ts";
import type { Admission, BreakerPort } from "../../src/routing/admission.ts";
import { CALENDAR } from "./naive-group.ts";
import { KEYS } from "./running-sandbox.ts";
import { BOUND } from "./bindings.ts";

/** A breaker that is closed (or as told) and gives so many credits in all. */
export function grantingBreaker(
  credits: { left: number },
  admission: Admission = { state: "closed", h: 1 },
): BreakerPort {
  return {
    admission: async () => admission,
    takeProbe: async () => true,
    takeCredits: async (wanted) => {
      const granted = Math.min(wanted, credits.left);
      credits.left -= granted;
      return { granted, waitMs: 0 };
    },
    correctCredits: async () => {},
    report: async (_capability, { unspentCredits }) => void (credits.left += unspentCredits),
    recordDecision: async () => {},
  };
}

/** Refreshes a database's universe from a running sandbox through the service's own adapters. */
export function universeDeps(
  sql: SqlClient,
  url: string,
  now: () => EpochMs,
  change: Partial<UniverseDeps> = {},
): UniverseDeps {
  const credits = { left: Infinity };
  return {
    providers: configuredProviders(sandboxSettings(url)).filter(hasSymbolList),
    sql,
    calendar: CALENDAR,
    symbolGroups: 32,
    breaker: (_provider: ProviderId) => grantingBreaker(credits),
    get: createHttpGet((address, init) => fetch(address, init)),
    market: { kind: "market", stepped: true, now },
    wall: { kind: "wall", now: () => performance.now() },
    timeoutMs: 20_000,
    push: async () => true,
    ...change,
  };
}

/** Settings with the keys of three providers, all of them the sandbox. */
function sandboxSettings(url: string): Settings {
  const read = readSettings({
    ...BOUND,
    ENVIRONMENT: "development",
    SYMBOL_GROUPS: "32",
    DATABASE_URL: "postgres://nobody@db.test/none",
    BOOTSTRAP_KEY: "a-key-of-a-test-0123456789",
    ALPACA_KEY_ID: KEYS.alpacaKeyId,
    ALPACA_SECRET_KEY: KEYS.alpacaSecret,
    ALPACA_BASE_URL: url,
    ALPACA_TRADING_URL: url,
    POLYGON_API_KEY: KEYS.polygonApiKey,
    POLYGON_BASE_URL: url,
    FINNHUB_TOKEN: KEYS.finnhubToken,
    FINNHUB_BASE_URL: `${url}/api/v1`,
  });
  if (!read.ok) throw new Error(read.faults.join("; "));
  return read.settings;
}
