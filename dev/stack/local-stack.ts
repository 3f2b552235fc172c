import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { createCalendar, type SessionKind } from "../../src/domain/calendar.ts";
import type { CalendarOverride } from "../../src/domain/calendar-override.ts";
import type { EpochMs } from "../../src/domain/time.ts";
import { type Database, startDatabase } from "../database/database.ts";
import type { Market } from "../market/market.ts";
import type { PublicationSchedule } from "../market/publication.ts";
import type { ScheduledFault } from "../sandbox/fault.ts";
import type { SandboxKeys } from "../sandbox/provider-answers.ts";
import { type Sandbox, startSandbox } from "../sandbox/start-sandbox.ts";
import { startCoordinator } from "./coordinator.ts";
import { DEFAULT_STACK_PLAN, type StackPlan, stackPlan } from "./plans.ts";
import { bundleService, freePort, type Runtime, startRuntime } from "./runtime.ts";
import { seedUniverse } from "./universe-seed.ts";

/** As deployed; a small run may take fewer. */
export const DEFAULT_SYMBOL_GROUPS = 32;

/**
 * All groups of the local runtime share one thread: the answers of one instant wait for each other, and
 * the service's own 5 s would make a busy machine look like a sick provider.
 */
const PROVIDER_TIMEOUT_MS = 10_000;

/**
 * A sample each 30 s, as deployed, would be two more steps of each market minute; whole minutes fall
 * together with the tick.
 */
const DEFAULT_SLO_EVERY_S = 300;

/** Sessions of daily bars before the first one: what tiers are made from; a market has little more. */
export const DAILY_SESSIONS = 20;

export interface LocalStackOptions {
  readonly root: string;
  /** Where objects, database, variables and logs are kept. */
  readonly stateDir: string;
  readonly market: Market;
  readonly publication: PublicationSchedule;
  readonly symbolGroups: number;
  /** Market time at the start: the universe is that of this time. */
  readonly startMs: EpochMs;
  /** Every symbol is pinned to T0; otherwise tiers come from the market's daily bars. */
  readonly pinned: boolean;
  readonly calendarOverrides: readonly CalendarOverride[];
  /** Parts of the trading day whose bars are stored; as deployed unless given. */
  readonly sessions?: readonly SessionKind[];
  /** The runner hands answers over twice and late, as a bad network would. */
  readonly impolite: boolean;
  /** Faults of the providers by market time, counted from `faultOriginMs`. */
  readonly faults?: readonly ScheduledFault[];
  readonly faultOriginMs?: EpochMs;
  readonly databaseInMemory: boolean;
  readonly databaseUrl?: string;
  readonly port?: number;
  /** Which providers have keys, and their plans. */
  readonly plan?: StackPlan;
  /** Providers of 1-minute bars, in order; unless given those of the plan. */
  readonly policy?: readonly string[];
  /** Closed sessions whose minutes are fetched at the start; none unless given. */
  readonly coldStartSessions?: number;
  /** How often quotes are asked for, seconds; as deployed unless given. */
  readonly quoteEveryS?: number;
  /** How often the service level is sampled, market seconds; `DEFAULT_SLO_EVERY_S` unless given. */
  readonly sloEveryS?: number;
  /** Requests of a key are limited as deployed, unless this is false. */
  readonly rateLimits?: boolean;
  /** The polls come from a coordinator beside the service instead of its own sweeper. */
  readonly rlc?: boolean;
  readonly onProgress?: (line: string) => void;
}

/** Everything the service needs to run here: database, providers, runtime; market time is set from outside. */
export interface LocalStack {
  readonly database: Database;
  readonly sandbox: Sandbox;
  /** The key of role ops, made for this run. */
  readonly key: string;
  serviceUrl(): string;
  setMarketTime(nowMs: EpochMs): void;
  isRuntimeAlive(): boolean;
  /** SIGKILL to the whole runtime; database and sandbox stay. */
  killRuntime(): Promise<void>;
  restartRuntime(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts the stack. Whatever was started is stopped again when a later part fails. */
export async function startLocalStack(options: LocalStackOptions): Promise<LocalStack> {
  const say = options.onProgress ?? (() => {});
  const started: (() => Promise<void>)[] = [];
  const stop = async () => {
    for (const end of started.splice(0).toReversed()) await end();
  };
  try {
    let marketNowMs = 0;
    say("database: starting");
    const database = await openDatabase(options);
    started.push(() => database.stop());
    say(`universe: ${options.market.symbols.length} symbols`);
    const calendar = createCalendar(options.calendarOverrides);
    await seedUniverse(database, { ...options, calendar });
    const keys = providerKeys();
    const plan = stackPlan(options.plan ?? DEFAULT_STACK_PLAN);
    const sandbox = await startSandbox({
      market: options.market,
      publication: options.publication,
      now: () => marketNowMs,
      keys,
      calendar,
      callsPerMinute: plan.callsPerMinute,
      faults: options.faults ?? [],
      faultOriginMs: options.faultOriginMs ?? 0,
    });
    started.push(() => sandbox.stop());
    say(`sandbox: providers at ${sandbox.url}`);
    const coordinator = await startCoordinator(options, () => marketNowMs);
    started.push(coordinator.stop);
    const key = `mds_${randomKey()}`;
    say("service: building");
    const bundle = await bundleService(options.root, options.stateDir);
    const runtimeOptions = {
      root: options.root,
      stateDir: options.stateDir,
      bundle,
      port: options.port ?? (await freePort()),
      logFile: join(options.stateDir, "runtime.log"),
      variables: {
        ...plan.variables(keys, sandbox.url),
        ...optionVariables(options),
        DATABASE_URL: database.connectionString,
        DATABASE_SQL_ENDPOINT: database.sqlUrl,
        BOOTSTRAP_KEY: key,
        ...coordinator.variables,
      },
    };
    say("service: starting");
    let runtime: Runtime = await startRuntime(runtimeOptions);
    started.push(() => runtime.stop());
    return {
      database,
      sandbox,
      key,
      serviceUrl: () => runtime.url,
      setMarketTime: (nowMs) => (marketNowMs = nowMs),
      isRuntimeAlive: () => runtime.isAlive(),
      killRuntime: () => runtime.kill(),
      restartRuntime: async () => {
        runtime = await startRuntime(runtimeOptions);
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The variables that the options say alone, whatever was started. */
function optionVariables(options: LocalStackOptions): Record<string, string> {
  return {
    ENVIRONMENT: "development",
    SYMBOL_GROUPS: String(options.symbolGroups),
    ...(options.policy === undefined ? {} : { POLICY_BARS_1M: JSON.stringify(options.policy) }),
    COLD_START_SESSIONS_1M: String(options.coldStartSessions ?? 0),
    COLD_START_SESSIONS_1D: String(DAILY_SESSIONS),
    PROVIDER_TIMEOUT_MS: String(PROVIDER_TIMEOUT_MS),
    ...(options.quoteEveryS === undefined ? {} : { QUOTE_EVERY_S: String(options.quoteEveryS) }),
    SLO_EVERY_S: String(options.sloEveryS ?? DEFAULT_SLO_EVERY_S),
    ...(options.sessions === undefined ? {} : { SESSIONS: JSON.stringify(options.sessions) }),
    CALENDAR_OVERRIDES: JSON.stringify(options.calendarOverrides),
    IMPOLITE_RUNNER: String(options.impolite),
    ...(options.rateLimits === false ? { RATE_LIMITS: "off" } : {}),
  };
}

async function openDatabase(options: LocalStackOptions): Promise<Database> {
  try {
    return await startDatabase({
      dataDir: options.databaseInMemory ? null : join(options.stateDir, "database"),
      ...(options.databaseUrl === undefined ? {} : { databaseUrl: options.databaseUrl }),
    });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`the database could not be opened (${reason}); --fresh starts over`);
  }
}

function providerKeys(): Required<SandboxKeys> {
  return {
    alpacaKeyId: randomKey(),
    alpacaSecret: randomKey(),
    polygonApiKey: randomKey(),
    finnhubToken: randomKey(),
    iexKeyId: randomKey(),
    iexSecret: randomKey(),
  };
}

function randomKey(): string {
  return randomBytes(24).toString("base64url");
}
