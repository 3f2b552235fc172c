import type { AlertName } from "../monitoring/alert-parameters.ts";
import { toTradingDay } from "./due-day.ts";
import { Crowd } from "./crowd.ts";
import type { DrillWorld } from "./drill-world.ts";

/** A drain takes this much longer while the database is slow. */
const SLOW_DRAIN_MS = 2_000;
const CROWD = 4_000;

/** A thing that goes wrong, the alerts that are to tell of it, and what an operator does about it. */
export interface Scenario {
  readonly name: string;
  readonly alerts: readonly AlertName[];
  /** Makes the condition true. */
  readonly cause: (world: DrillWorld) => Promise<void>;
  /** The calls of the runbook, while it is true. */
  readonly look: (world: DrillWorld) => Promise<void>;
  /** Ends the condition. */
  readonly mend: (world: DrillWorld) => Promise<void>;
}

const crowd = new Crowd();

/** The scenarios in the order in which they are played. */
export const SCENARIOS: readonly Scenario[] = [
  {
    name: "the first provider answers with pages of errors",
    alerts: ["ProviderErrorRateHigh", "ProviderCircuitOpen"],
    cause: async ({ stack }) => stack.sandbox.setFault("alpaca", "html_502"),
    look: async (world) => {
      await world.call("GET", "/providers/alpaca");
      await world.call("GET", "/providers/alpaca/health-history");
      await world.call("POST", "/ops/providers/alpaca/isolate", { reason: "drill" });
    },
    mend: async (world) => {
      world.stack.sandbox.setFault("alpaca", null);
      await world.call("POST", "/ops/providers/alpaca/release");
      await world.call("GET", "/providers/alpaca");
    },
  },
  {
    name: "all providers are dark",
    alerts: [
      "IngestionLagHigh",
      "SLOGapViolationHighT0",
      "SLOGapViolationHighT1",
      "BackfillQueueDepthHigh",
      "BackfillOldestTooOldT0",
    ],
    cause: async (world) => world.setAllFaults("html_502"),
    look: async (world) => {
      await world.call("GET", "/health/ready");
      await world.call("GET", "/providers");
      await world.call("GET", "/ops/slo");
      await world.call("GET", "/ops/backfills?tier=T0");
    },
    mend: async (world) => {
      world.setAllFaults(null);
      await world.call("GET", "/ops/dlq/stats");
    },
  },
  {
    name: "daily bars of T2 are deleted by hand",
    alerts: ["SLOGapViolationHighT2"],
    cause: async ({ stack: { database }, pace }) => {
      const params = [toTradingDay(pace.nowMs)];
      const ofTier = "symbol in (select symbol from symbol_universe where tier = 'T2')";
      await database.query("create table drill_deleted (like candles_daily)");
      await database.query(
        `with gone as (delete from candles_daily where trading_date = $1 and ${ofTier} returning *)
         insert into drill_deleted select * from gone`,
        params,
      );
    },
    look: async (world) => {
      await world.call("GET", "/ops/slo");
    },
    mend: async ({ stack: { database } }) => {
      // As from a backup: a group that believes in a bar takes the same one again for nothing new.
      await database.query("insert into candles_daily select * from drill_deleted");
      await database.query("drop table drill_deleted");
    },
  },
  {
    name: "the database is slow",
    alerts: ["DBWriteLatencyHigh"],
    cause: async ({ stack }) => stack.database.setDrainDelay(SLOW_DRAIN_MS),
    look: async (world) => {
      await world.call("GET", "/health/ready");
    },
    mend: async ({ stack }) => stack.database.setDrainDelay(0),
  },
  {
    name: "a crowd of clients follows everything",
    alerts: ["WSPublishLatencyHigh"],
    cause: async ({ stack }) => await crowd.join(stack.serviceUrl(), stack.key, CROWD),
    look: async (world) => {
      await world.call("GET", "/health/ready");
    },
    mend: async () => crowd.leave(),
  },
  {
    name: "the service is killed",
    alerts: ["MarketDataServiceDown"],
    cause: async ({ pace }) => await pace.kill(),
    look: async ({ stack }) => {
      if (stack.isRuntimeAlive()) throw new Error("the runtime lives");
    },
    mend: async (world) => {
      await world.pace.restart();
      await world.call("GET", "/health");
      await world.call("GET", "/health/ready");
    },
  },
];
