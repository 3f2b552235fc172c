import { parseArgs } from "node:util";
import type { SessionKind } from "../../src/domain/calendar.ts";
import { MAX_SYMBOL_GROUPS } from "../../src/env.ts";
import { DEFAULT_SYMBOL_GROUPS } from "../stack/local-stack.ts";

const SESSION_KINDS: readonly SessionKind[] = ["pre", "regular", "post"];

/** What `npm run session` was asked to do. */
export interface SessionOptions {
  /** A CSV of real bars; null runs the synthetic market. */
  readonly barsFile: string | null;
  /** How many trading dates of the file are played, from its first; Infinity: all. */
  readonly dates: number;
  /** Parts of the trading day whose bars are stored. */
  readonly sessions: readonly SessionKind[];
  /** Closed sessions before the first one that the new deployment fetches. */
  readonly coldStart: number;
  /** Symbols of the synthetic market. */
  readonly symbols: number;
  /** Length of the synthetic session, minutes; Infinity: the whole of it. */
  readonly minutes: number;
  readonly clients: number;
  /** All clients but one drop at random and come back by their tokens. */
  readonly churn: boolean;
  /** What the churn is drawn from: the same seed, the same plan. */
  readonly seed: number;
  /** How often the runtime is killed and started again, spread over the first session. */
  readonly restarts: number;
  /** How often quotes are asked for, market seconds. */
  readonly quoteEveryS: number;
  /** Symbol groups of the deployment. */
  readonly groups: number;
  /** Market seconds a wall second at most. */
  readonly speed: number;
  /** Fraction of the session at which the runtime is killed; null: never. */
  readonly killAt: number | null;
  /** Market minutes that the database is away for; 0: never. */
  readonly dbAwayMinutes: number;
  /** Market minutes that the database is set back by, as by a restore; 0: never. */
  readonly setBackMinutes: number;
  /** A schedule of provider faults, in ms of market time from the open; null: none. */
  readonly faultsFile: string | null;
  /** The polls come from a rate-limit coordinator instead of the service's own sweeper. */
  readonly rlc: boolean;
  readonly json: boolean;
}

export const USAGE = `npm run session -- [options]
  --bars FILE        replay a CSV of real bars (symbol,t_utc,o,h,l,c,v), all of its trading dates one
                     after the other, the others closed; default: a synthetic market of one date
  --dates N          only the first N trading dates of the file
  --sessions LIST    the parts of the trading day that are stored: pre,regular,post (regular)
  --cold-start N     sessions before the first that the empty database is filled with, 0 to 5 (0)
  --symbols N        symbols of the synthetic market (3000)
  --groups N         symbol groups of the deployment (32)
  --minutes N        end the synthetic session after so many minutes (390)
  --clients N        WebSocket clients (20)
  --churn            all clients but one drop at random, by close frame or without, stay away for seconds
                     to hours of market time, change symbols, and come back by their tokens
  --seed N           what the churn is drawn from (1)
  --restarts N       SIGKILL the runtime so often, spread over the first session, 0 to 5 (2 with --churn)
  --quotes-every S   ask for quotes each S market seconds (60; deployed: 15, which takes three more
                     steps of market time a minute)
  --speed X          market seconds a second at most (as fast as it goes)
  --kill-at F        SIGKILL the runtime at this fraction of the first session, 0 to 1
  --db-away MINUTES  take the database away for so many market minutes of the first session
  --set-back MINUTES set the database back by so many market minutes, at three quarters of the first
                     session
  --faults FILE      a schedule of provider faults, JSON, ms from the first open
  --rlc              take the polls from a rate-limit coordinator
  --json             print the result as one JSON line, progress on stderr`;

/** Reads the command line. Throws with a sentence that says what is wrong. */
export function parseSessionOptions(argv: readonly string[]): SessionOptions {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      bars: { type: "string" },
      dates: { type: "string" },
      sessions: { type: "string" },
      "cold-start": { type: "string" },
      symbols: { type: "string" },
      minutes: { type: "string" },
      clients: { type: "string" },
      churn: { type: "boolean" },
      seed: { type: "string" },
      restarts: { type: "string" },
      "quotes-every": { type: "string" },
      groups: { type: "string" },
      speed: { type: "string" },
      "kill-at": { type: "string" },
      "db-away": { type: "string" },
      "set-back": { type: "string" },
      faults: { type: "string" },
      rlc: { type: "boolean" },
      json: { type: "boolean" },
    },
  });
  return {
    barsFile: values.bars ?? null,
    dates: numberBetween("--dates", values.dates, Infinity, 1, Infinity),
    sessions: parseSessions(values.sessions ?? "regular"),
    coldStart: numberBetween("--cold-start", values["cold-start"], 0, 0, 5),
    symbols: numberBetween("--symbols", values.symbols, 3_000, 1, 20_000),
    minutes: numberBetween("--minutes", values.minutes, Infinity, 5, Infinity),
    clients: numberBetween("--clients", values.clients, 20, 0, 2_000),
    churn: values.churn ?? false,
    seed: numberBetween("--seed", values.seed, 1, 0, 0x7fff_ffff),
    restarts: numberBetween("--restarts", values.restarts, values.churn === true ? 2 : 0, 0, 5),
    quoteEveryS: numberBetween("--quotes-every", values["quotes-every"], 60, 5, 3_600),
    groups: numberBetween("--groups", values.groups, DEFAULT_SYMBOL_GROUPS, 1, MAX_SYMBOL_GROUPS),
    speed: numberBetween("--speed", values.speed, Infinity, 0.001, Infinity),
    killAt:
      values["kill-at"] === undefined
        ? null
        : numberBetween("--kill-at", values["kill-at"], 0, 0, 1),
    dbAwayMinutes: numberBetween("--db-away", values["db-away"], 0, 0, 300),
    setBackMinutes: numberBetween("--set-back", values["set-back"], 0, 0, 120),
    faultsFile: values.faults ?? null,
    rlc: values.rlc ?? false,
    json: values.json ?? false,
  };
}

/** At which fractions of the first session the runtime is killed. */
export function killsOf({
  killAt,
  restarts,
}: Pick<SessionOptions, "killAt" | "restarts">): number[] {
  const spread = Array.from({ length: Math.round(restarts) }, (_, at) => (at + 1) / (restarts + 1));
  return killAt === null ? spread : [killAt, ...spread];
}

function parseSessions(text: string): SessionKind[] {
  const named = new Set(text.split(","));
  const sessions = SESSION_KINDS.filter((kind) => named.has(kind));
  if (sessions.length < named.size)
    throw new RangeError(`--sessions must be a list of ${SESSION_KINDS.join(", ")}`);
  return sessions;
}

function numberBetween(
  name: string,
  text: string | undefined,
  fallback: number,
  min: number,
  max: number,
): number {
  const value = text === undefined ? fallback : Number(text);
  if (!(value >= min && value <= max))
    throw new RangeError(`${name} must be a number from ${min} to ${max}`);
  return value;
}
