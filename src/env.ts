import { z } from "zod";
import { MAX_UNDERLYINGS } from "./contracts/tasks.ts";
import { type Calendar, createCalendar } from "./domain/calendar.ts";
import { createNearCalendar } from "./domain/near-calendar.ts";
import { isCanonicalSymbol } from "./domain/symbol.ts";
import { marketClock } from "./platform/clocks.ts";
import { rememberSecretsOf } from "./platform/secrets.ts";
import { log, LOG_LEVELS, setLogLevel } from "./platform/log.ts";
import { type ServiceConfig, serviceConfigSchema } from "./contracts/config.ts";

/** The bindings of wrangler.toml that the service cannot run without. */
const BINDINGS = [
  "SYMBOL_GROUP",
  "PROVIDER_BREAKER",
  "BACKFILL_QUEUE",
  "CONFIG_STORE",
  "SLO_MONITOR",
  "METRICS_HUB",
  "BACKFILL_DLQ",
  "METRICS_EVENTS",
  "API_RATE_LIMIT",
  "API_RATE_LIMIT_LOW",
  "API_RATE_LIMIT_HIGH",
] as const;

/** A resume token names both streams of every group that a client follows, and stays a short text. */
export const MAX_SYMBOL_GROUPS = 64;

const KEY_PAIRS = [
  ["ALPACA_KEY_ID", "ALPACA_SECRET_KEY"],
  ["IEX_KEY_ID", "IEX_SECRET"],
] as const;

const url = z.url({ protocol: /^https?$/ });
const ALPACA_DATA_URL = "https://data.alpaca.markets";
const json = z.string().transform((text, context): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    context.addIssue({ code: "custom", message: "not JSON" });
    return z.NEVER;
  }
});
const number = z
  .string()
  .regex(/^-?\d+(\.\d+)?$/, "not a number")
  .transform(Number);

const flag = z.enum(["true", "false"], "true or false").transform((text) => text === "true");

const listOf = (text: string) => [...new Set(text.split(",").map((name) => name.trim()))];
const underlyings = z
  .array(z.string())
  .transform((names) => names.filter((name) => name !== ""))
  .refine((names) => names.every(isCanonicalSymbol), "not canonical symbols, comma separated")
  .refine((names) => names.length <= MAX_UNDERLYINGS, `at most ${MAX_UNDERLYINGS} symbols`);

const variablesSchema = z.object({
  ENVIRONMENT: z.enum(["production", "staging", "development"]),
  SYMBOL_GROUPS: number.pipe(z.number().int().min(1).max(MAX_SYMBOL_GROUPS)),
  DATABASE_URL: z.url({ protocol: /^postgres(ql)?$/ }),
  /** Where the SQL-over-HTTP endpoint is when it is not Neon's own (the local stack). */
  DATABASE_SQL_ENDPOINT: url.optional(),
  /** The first key, of role ops; further keys are made with it. */
  BOOTSTRAP_KEY: z.string().min(24, "at least 24 characters"),
  POLYGON_PLAN: z.enum(["basic", "starter", "developer", "advanced"]).default("basic"),
  POLYGON_API_KEY: z.string().min(1).optional(),
  POLYGON_BASE_URL: url.default("https://api.polygon.io"),
  ALPACA_PLAN: z.enum(["basic", "plus"]).default("basic"),
  ALPACA_FEED: z.enum(["sip", "iex"]).default("sip"),
  ALPACA_KEY_ID: z.string().min(1).optional(),
  ALPACA_SECRET_KEY: z.string().min(1).optional(),
  ALPACA_BASE_URL: url.default(ALPACA_DATA_URL),
  ALPACA_TRADING_URL: url.default("https://paper-api.alpaca.markets"),
  FINNHUB_PLAN: z.enum(["free", "premium"]).default("free"),
  FINNHUB_TOKEN: z.string().min(1).optional(),
  FINNHUB_BASE_URL: url.default("https://finnhub.io/api/v1"),
  IEX_BACKEND: z.enum(["alpaca"]).default("alpaca"),
  IEX_KEY_ID: z.string().min(1).optional(),
  IEX_SECRET: z.string().min(1).optional(),
  IEX_BASE_URL: url.optional(),
  /** Where the rate-limit coordinator is; without it the local sweeper plans the polls. */
  RLC_URL: url.optional(),
  RLC_TOKEN: z.string().min(1).optional(),
  /** Whose option chains are read after the close: canonical symbols, comma separated; empty for none. */
  OPTIONS_UNDERLYINGS: z.string().default("SPY,QQQ,IWM").transform(listOf).pipe(underlyings),
  LOG_LEVEL: z.enum(LOG_LEVELS).default("info"),
  /** Whether traces are taken; `VIZTRACER_ENABLED` is its other name. */
  TRACE_ENABLED: flag.optional(),
  VIZTRACER_ENABLED: flag.optional(),
  /** Accepted and ignored: there is no file system, traces are kept by MetricsHub. */
  VIZ_OUT_DIR: z.string().optional(),
});
type Variables = z.infer<typeof variablesSchema>;

/** Variables that set defaults of the configuration. */
const configVariablesSchema = z.object({
  POLICY_BARS_1M: json.optional(),
  POLICY_BARS_1D: json.optional(),
  POLICY_QUOTES_L1: json.optional(),
  BREAKER_DEMOTE_THRESHOLD: number.optional(),
  BREAKER_PROMOTE_THRESHOLD: number.optional(),
  RECENT_LATENCY_CAP_MS: number.optional(),
  PROVIDER_TIMEOUT_MS: number.optional(),
  QUOTE_EVERY_S: number.optional(),
  SLO_EVERY_S: number.optional(),
  STREAM_EXTRA_HOSTS: number.optional(),
  SESSIONS: json.optional(),
  CALENDAR_OVERRIDES: json.optional(),
  COLD_START_SESSIONS_1M: number.optional(),
  COLD_START_SESSIONS_1D: number.optional(),
  RETENTION_DAYS_BARS: number.optional(),
  RETENTION_DAYS_QUOTES: number.optional(),
});
type ConfigVariables = z.infer<typeof configVariablesSchema>;

/** Everything the service knows of its deployment, validated. Holds secrets: never logged. */
export interface Settings {
  readonly environment: Variables["ENVIRONMENT"];
  readonly symbolGroups: number;
  readonly databaseUrl: string;
  readonly sqlEndpoint: string | null;
  readonly bootstrapKey: string;
  /** The variables' until ConfigStore has been asked; act by `liveSettings` (src/config), which has. */
  readonly config: ServiceConfig;
  /** Which version of the configuration that is; 0: the variables', unasked. */
  readonly configVersion: number;
  readonly polygon: { baseUrl: string; apiKey: string; plan: Variables["POLYGON_PLAN"] } | null;
  readonly finnhub: { baseUrl: string; token: string; plan: Variables["FINNHUB_PLAN"] } | null;
  readonly iex: {
    backend: Variables["IEX_BACKEND"];
    baseUrl: string;
    keyId: string;
    secret: string;
  } | null;
  /** Whose option chains are read. */
  readonly optionsUnderlyings: readonly string[];
  /** Whether traces are taken. */
  readonly traced: boolean;
  readonly rlc: { readonly url: string; readonly token: string | null } | null;
  readonly alpaca: {
    baseUrl: string;
    tradingUrl: string;
    keyId: string;
    secret: string;
    feed: Variables["ALPACA_FEED"];
    plan: Variables["ALPACA_PLAN"];
  } | null;
}

/** The settings, or every fault at once, each naming its binding or variable. */
export type SettingsResult =
  | { readonly ok: true; readonly settings: Settings }
  | { readonly ok: false; readonly faults: readonly string[] };

/**
 * Bindings and variables as validated settings, or the list of everything that is missing or wrong,
 * each by its name. Values of variables are never repeated, for they may be secrets; only the dates of
 * calendar overrides are.
 */
export function readSettings(env: object): SettingsResult {
  const known = results.get(env);
  if (known !== undefined) return known;
  const result = parseSettings(env);
  results.set(env, result);
  return result;
}

// An isolate's bindings and variables do not change: they are read once.
const results = new WeakMap<object, SettingsResult>();

function parseSettings(env: object): SettingsResult {
  const bound = new Map(Object.entries(env));
  rememberSecretsOf(bound);
  const faults = BINDINGS.filter((name) => !bound.get(name)).map(
    (name) => `binding ${name} is missing`,
  );
  const variables = variablesSchema.safeParse(env);
  if (!variables.success)
    faults.push(...variables.error.issues.map((issue) => fault(issue, bound)));
  for (const [id, secret] of KEY_PAIRS) {
    if (bound.has(id) !== bound.has(secret))
      faults.push(`${id} and ${secret} go together: one of them is missing`);
  }
  const configVariables = configVariablesSchema.safeParse(env);
  if (!configVariables.success)
    faults.push(...configVariables.error.issues.map((issue) => fault(issue, bound)));
  const config = serviceConfigSchema.safeParse(configInput(configVariables.data ?? {}));
  if (!config.success) {
    faults.push(
      ...config.error.issues.map((issue) => `config ${issue.path.join(".")}: ${issue.message}`),
    );
  }
  if (!variables.success || !config.success || faults.length > 0) return { ok: false, faults };
  setLogLevel(variables.data.LOG_LEVEL);
  if (variables.data.VIZ_OUT_DIR !== undefined)
    log("info", "VIZ_OUT_DIR is ignored: traces are at GET /ops/traces");
  return { ok: true, settings: toSettings(variables.data, config.data) };
}

function fault(issue: z.core.$ZodIssue, bound: ReadonlyMap<string, unknown>): string {
  const name = String(issue.path[0]);
  return bound.has(name) ? `variable ${name}: ${issue.message}` : `variable ${name} is missing`;
}

function configInput(variables: ConfigVariables): object {
  return withoutUndefined({
    policies: withoutUndefined({
      bars_1m: variables.POLICY_BARS_1M,
      bars_1d: variables.POLICY_BARS_1D,
      quotes_l1: variables.POLICY_QUOTES_L1,
    }),
    breaker: withoutUndefined({
      demote: variables.BREAKER_DEMOTE_THRESHOLD,
      promote: variables.BREAKER_PROMOTE_THRESHOLD,
    }),
    latency_cap_ms: variables.RECENT_LATENCY_CAP_MS,
    timeout_ms: variables.PROVIDER_TIMEOUT_MS,
    quote_every_s: variables.QUOTE_EVERY_S,
    slo: withoutUndefined({ every_s: variables.SLO_EVERY_S }),
    stream: withoutUndefined({ extra_hosts: variables.STREAM_EXTRA_HOSTS }),
    retention_days: withoutUndefined({
      bars: variables.RETENTION_DAYS_BARS,
      quotes: variables.RETENTION_DAYS_QUOTES,
    }),
    sessions: variables.SESSIONS,
    calendar_overrides: variables.CALENDAR_OVERRIDES,
    cold_start_sessions: withoutUndefined({
      "1m": variables.COLD_START_SESSIONS_1M,
      "1d": variables.COLD_START_SESSIONS_1D,
    }),
  });
}

function withoutUndefined(record: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined));
}

function toSettings(variables: Variables, config: ServiceConfig): Settings {
  return {
    environment: variables.ENVIRONMENT,
    symbolGroups: variables.SYMBOL_GROUPS,
    databaseUrl: variables.DATABASE_URL,
    sqlEndpoint: variables.DATABASE_SQL_ENDPOINT ?? null,
    bootstrapKey: variables.BOOTSTRAP_KEY,
    config,
    configVersion: 0,
    optionsUnderlyings: variables.OPTIONS_UNDERLYINGS,
    traced: variables.TRACE_ENABLED ?? variables.VIZTRACER_ENABLED ?? false,
    rlc:
      variables.RLC_URL === undefined
        ? null
        : { url: variables.RLC_URL, token: variables.RLC_TOKEN ?? null },
    ...providerSettings(variables),
  };
}

/** A provider without its key is null: unconfigured, shown as such, never asked. */
function providerSettings(
  variables: Variables,
): Pick<Settings, "polygon" | "alpaca" | "finnhub" | "iex"> {
  const { POLYGON_API_KEY: apiKey, FINNHUB_TOKEN: token } = variables;
  const { ALPACA_KEY_ID: alpacaId, ALPACA_SECRET_KEY: alpacaSecret } = variables;
  return {
    polygon:
      apiKey === undefined
        ? null
        : { baseUrl: variables.POLYGON_BASE_URL, apiKey, plan: variables.POLYGON_PLAN },
    finnhub:
      token === undefined
        ? null
        : { baseUrl: variables.FINNHUB_BASE_URL, token, plan: variables.FINNHUB_PLAN },
    alpaca:
      alpacaId === undefined || alpacaSecret === undefined
        ? null
        : {
            baseUrl: variables.ALPACA_BASE_URL,
            tradingUrl: variables.ALPACA_TRADING_URL,
            keyId: alpacaId,
            secret: alpacaSecret,
            feed: variables.ALPACA_FEED,
            plan: variables.ALPACA_PLAN,
          },
    iex: iexSettings(variables),
  };
}

/**
 * IEX's top of book comes from Alpaca's feed iex, which every Alpaca key may read: without keys of its
 * own it is on Alpaca's account. Not when a host is named for it: a key goes only to its own host.
 */
function iexSettings(variables: Variables): Settings["iex"] {
  const backend = variables.IEX_BACKEND;
  const { IEX_KEY_ID: keyId, IEX_SECRET: secret, IEX_BASE_URL: baseUrl } = variables;
  if (keyId !== undefined && secret !== undefined)
    return { backend, baseUrl: baseUrl ?? ALPACA_DATA_URL, keyId, secret };
  const { ALPACA_KEY_ID: alpacaId, ALPACA_SECRET_KEY: alpacaSecret } = variables;
  if (baseUrl !== undefined || alpacaId === undefined || alpacaSecret === undefined) return null;
  return { backend, baseUrl: variables.ALPACA_BASE_URL, keyId: alpacaId, secret: alpacaSecret };
}

const calendars = new WeakMap<Settings, Calendar>();

/** The trading calendar of these settings, made once; quick around market time. */
export function calendarOf(settings: Settings): Calendar {
  const known = calendars.get(settings);
  if (known !== undefined) return known;
  const rules = createCalendar(settings.config.calendar_overrides);
  const calendar = createNearCalendar(rules, () => marketClock.now());
  calendars.set(settings, calendar);
  return calendar;
}
