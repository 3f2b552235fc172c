import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { CalendarOverride } from "../../src/domain/calendar-override.ts";
import { createCalendar, type TradingSession } from "../../src/domain/calendar.ts";
import { type EpochMs, MINUTE_MS } from "../../src/domain/time.ts";
import { loadCsvMarket } from "../market/csv-market.ts";
import type { Market } from "../market/market.ts";
import { createPublication, type PublicationSchedule } from "../market/publication.ts";
import { createSyntheticMarket } from "../market/synthetic-market.ts";
import { faultScheduleSchema, type ScheduledFault } from "../sandbox/fault.ts";
import { endOnSignal } from "../stack/end-on-signal.ts";
import { MarketDriver } from "../stack/driver.ts";
import { DAILY_SESSIONS, type LocalStack, startLocalStack } from "../stack/local-stack.ts";
import { type BreakerPath, BreakerWatch } from "./breaker-watch.ts";
import { SessionClients, type StreamResult } from "./clients.ts";
import { Disturbances } from "./disturbances.ts";
import type { SessionOptions } from "./options.ts";
import { falseAbsences } from "./false-absences.ts";
import { histogramQuantile, sumByLabels } from "./exposition.ts";
import { type DailyReconciliation, reconcileDaily } from "./reconcile-daily.ts";
import { reconcile, type Reconciliation } from "./reconcile.ts";
import { overridesForFile, sessionsOfFile } from "./session-calendar.ts";

const SEED = 20_260_320;
const LATE_RATE = 0.02;
const CORRECTED_RATE = 0.01;
/** A synthetic session: an ordinary Friday. */
const SYNTHETIC_DATE = "2026-03-20";
/** The settle pass is at close + 20 min, and its jobs may come again for an hour. */
const END_AFTER_CLOSE_MS = 90 * MINUTE_MS;

/** What a session came to: the last line of `--json`, and whether it counts as passed. */
export interface SessionReport {
  readonly passed: boolean;
  readonly line: object;
  readonly faults: readonly string[];
}

interface Stage {
  readonly market: Market;
  readonly overrides: readonly CalendarOverride[];
  readonly session: TradingSession;
}

/** Runs one trading session through the whole stack and reconciles it. */
export async function runSession(
  options: SessionOptions,
  root: string,
  say: (line: string) => void,
): Promise<SessionReport> {
  const stage = setTheStage(options);
  const publication = createPublication(stage.market, {
    seed: SEED,
    lateRate: LATE_RATE,
    correctedRate: CORRECTED_RATE,
  });
  const calendar = createCalendar(stage.overrides);
  const stateDir = mkdtempSync(join(tmpdir(), "mds-session-"));
  const faults = readFaults(options.faultsFile);
  const place = { root, stateDir, say };
  const stack = await startSessionStack(options, stage, { publication, faults }, place);
  endOnSignal(() => stack.stop());
  try {
    const startedMs = performance.now();
    const symbols = stage.market.symbols.map((listed) => listed.symbol);
    const clients = new SessionClients(stack, symbols, options.clients);
    const driver = new MarketDriver({
      calendar,
      key: stack.key,
      speed: options.speed,
      startMs: startOf(stage.session),
      onTime: (nowMs) => stack.setMarketTime(nowMs),
    });
    const disturbances = new Disturbances(stage.session, options.killAt, options.dbAwayMinutes);
    const breakers = new BreakerWatch(stack);
    await drive(stack, driver, stage.session, { clients, disturbances, breakers }, say);
    await clients.catchUp(stack);
    const wallMs = performance.now() - startedMs;
    const found = await reconcile({
      ...stack,
      market: stage.market,
      publication,
      calendar,
      session: stage.session,
    });
    const daily = await reconcileDaily({
      ...stack,
      market: stage.market,
      publication,
      calendar,
      session: stage.session,
      nowMs: driver.nowMs,
      sessionsBefore: DAILY_SESSIONS,
    });
    const stream = clients.result(found.beliefs);
    const mostNoTrade = clients.mostNoTrade();
    const said = { ...stage, symbolGroups: options.groups, mostNoTrade };
    clients.close();
    const metrics = await scrape(stack);
    const speed = (driver.nowMs - stage.session.openMs) / wallMs;
    const inFlight = correctedInFlight(publication, symbols, disturbances.killAtMs);
    return report({
      faulty: options.faultsFile !== null,
      symbols: symbols.length,
      found,
      daily,
      stream,
      noTradeFromEmpty: falseAbsences(said),
      metrics,
      breakers: breakers.paths(faults, stage.session.openMs),
      speed,
      wallMs,
      inFlight,
    });
  } finally {
    await stack.stop();
    rmSync(stateDir, { recursive: true, force: true });
  }
}

async function startSessionStack(
  options: SessionOptions,
  stage: Stage,
  { publication, faults }: { publication: PublicationSchedule; faults: readonly ScheduledFault[] },
  place: { root: string; stateDir: string; say: (line: string) => void },
): Promise<LocalStack> {
  const databaseUrl = process.env["DATABASE_URL"];
  return await startLocalStack({
    root: place.root,
    stateDir: place.stateDir,
    market: stage.market,
    publication,
    symbolGroups: options.groups,
    startMs: startOf(stage.session),
    pinned: options.barsFile !== null,
    calendarOverrides: stage.overrides,
    faults,
    faultOriginMs: stage.session.openMs,
    impolite: true,
    databaseInMemory: true,
    rlc: options.rlc,
    ...(databaseUrl === undefined ? {} : { databaseUrl }),
    onProgress: place.say,
  });
}

function startOf(session: TradingSession): EpochMs {
  return session.openMs - 2 * MINUTE_MS;
}

function readFaults(file: string | null): readonly ScheduledFault[] {
  return file === null ? [] : faultScheduleSchema.parse(JSON.parse(readFileSync(file, "utf8")));
}

function setTheStage(options: SessionOptions): Stage {
  if (options.barsFile === null) {
    const session = createCalendar().session(SYNTHETIC_DATE);
    if (session === undefined) throw new Error(`${SYNTHETIC_DATE} is not a session`);
    return {
      market: createSyntheticMarket({ seed: SEED, symbols: options.symbols }),
      overrides: [],
      session,
    };
  }
  const market = loadCsvMarket(options.barsFile);
  const overrides = overridesForFile(market.dates);
  const [session, ...more] = sessionsOfFile(market.dates, overrides);
  if (session === undefined || more.length > 0)
    throw new RangeError("a session is of one trading date; the file has several");
  return { market, overrides, session };
}

/** Who looks on, or interferes, at each step. */
interface Watchers {
  readonly clients: SessionClients;
  readonly disturbances: Disturbances;
  readonly breakers: BreakerWatch;
}

async function drive(
  stack: LocalStack,
  driver: MarketDriver,
  session: TradingSession,
  { clients, disturbances, breakers }: Watchers,
  say: (line: string) => void,
): Promise<void> {
  const endMs = session.closeMs + END_AFTER_CLOSE_MS;
  // The first tick reads the universe, so that clients find their symbols.
  while (driver.nowMs < session.openMs - MINUTE_MS) await driver.step(stack.serviceUrl());
  await clients.connect();
  let told = 0;
  while (driver.nowMs < endMs) {
    if (await disturbances.before(stack, driver))
      say(`killed and restarted at ${new Date(driver.nowMs).toISOString()}`);
    else await driver.step(stack.serviceUrl(), endMs);
    await clients.at(driver.nowMs);
    await breakers.at(driver.nowMs);
    const done = Math.floor(((driver.nowMs - session.openMs) / (endMs - session.openMs)) * 10);
    if (done > told) {
      told = done;
      say(`${done * 10} % of the session`);
    }
  }
}

async function scrape(stack: LocalStack): Promise<string> {
  const response = await fetch(`${stack.serviceUrl()}/metrics`, {
    headers: { authorization: `Bearer ${stack.key}` },
  });
  return await response.text();
}

/** The minutes that the polls of one instant ask for. */
const POLLED_MINUTES = 3;

/**
 * How many bars were corrected whose first value may have been in flight when the runtime was killed:
 * such a bar is believed only once.
 */
function correctedInFlight(
  publication: PublicationSchedule,
  symbols: readonly string[],
  killAtMs: number | null,
): number {
  if (killAtMs === null) return 0;
  const minutes = Array.from(
    { length: POLLED_MINUTES },
    (_, back) => killAtMs - (back + 1) * MINUTE_MS,
  );
  const corrected = (symbol: string) =>
    minutes.filter((ts) => publication.publications(symbol, ts).length > 1).length;
  return symbols.reduce((sum, symbol) => sum + corrected(symbol), 0);
}

interface Outcome {
  /** Providers were made sick: a first value that nobody could serve is believed only once. */
  readonly faulty: boolean;
  readonly symbols: number;
  readonly found: Reconciliation;
  readonly daily: DailyReconciliation;
  readonly stream: StreamResult;
  /** Minutes said not to have traded that did; null when no client listened. */
  readonly noTradeFromEmpty: number | null;
  readonly metrics: string;
  readonly breakers: readonly BreakerPath[];
  readonly speed: number;
  readonly wallMs: number;
  readonly inFlight: number;
}

function report({
  faulty,
  symbols,
  found,
  daily,
  stream,
  noTradeFromEmpty,
  metrics,
  breakers,
  speed,
  wallMs,
  inFlight,
}: Outcome): SessionReport {
  const { beliefs: _, faults: rowFaults, ...rows } = found;
  const { faults: streamFaults, ...counts } = stream;
  const { faults: dailyFaults, ...days } = daily;
  const line = {
    symbols,
    ...rows,
    no_trade_from_empty: noTradeFromEmpty,
    daily: days,
    stream: counts,
    publish_p99_ms: round(histogramQuantile(metrics, "ws_publish_latency_ms", 0.99)),
    write_p95_ms: round(histogramQuantile(metrics, "write_batch_ms", 0.95)),
    speed_reached: round(speed),
    wall_s: round(wallMs / 1_000),
    breakers,
    provider_errors: sumByLabels(metrics, "provider_errors_total", ["provider", "code"]),
  };
  const fewestRevisions = faulty ? 0 : found.revisions_expected - inFlight;
  const revisionsFit =
    found.revisions <= found.revisions_expected && found.revisions >= fewestRevisions;
  const clean =
    found.missing +
      found.duplicate +
      found.wrong +
      found.pending +
      (noTradeFromEmpty ?? 0) +
      daily.missing +
      daily.wrong +
      stream.lost +
      stream.duplicate ===
    0;
  const faults = [...rowFaults, ...dailyFaults, ...streamFaults];
  if (!revisionsFit)
    faults.push(`${found.revisions} revisions, expected ${found.revisions_expected}`);
  return { passed: clean && revisionsFit && streamFaults.length === 0, line, faults };
}

function round(value: number | null): number | null {
  return value === null ? null : Math.round(value * 10) / 10;
}
