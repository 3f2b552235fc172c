import { groupName } from "../domain/symbol.ts";
import { TIERS } from "../domain/tier.ts";
import type { EpochMs } from "../domain/time.ts";
import { floorToMinute, toIso } from "../domain/time.ts";
import type { Settings } from "../env.ts";
import { errorText, log } from "../platform/log.ts";
import { callOrigin, maybeTrace } from "../platform/trace.ts";
import { wallClock } from "../platform/clocks.ts";
import { backfillQueueStub, sloMonitorStub, symbolGroupStub } from "../platform/stubs.ts";
import { pinFault } from "./pins.ts";
import { askCoordinator } from "./rlc.ts";

/**
 * A cron tick: every group plans the minute. Also the watchdog: it wakes each object that holds work.
 * The polls are planned unless an outside coordinator is in charge of them; the settle pass always is.
 */
export async function runTick(scheduledMs: number, settings: Settings, env: Env): Promise<void> {
  const fault = await pinFault(settings, env);
  if (fault !== null) throw new Error(fault);
  const polls = await areSwept(settings, env);
  await Promise.all([planAllGroups(scheduledMs, polls, settings, env), pingOthers(env)]);
}

/** An object that has no minute to plan is woken; one that does not answer is told of, and hinders none. */
async function pingOthers(env: Env): Promise<void> {
  const others = new Map<string, { ping(): Promise<void> }>([
    ["slo monitor", sloMonitorStub(env)],
    ...TIERS.map((tier) => [`backfill queue ${tier}`, backfillQueueStub(env, tier)] as const),
  ]);
  await Promise.all(
    [...others].map(async ([object, stub]) => {
      try {
        await stub.ping();
      } catch (error) {
        log("error", "an object did not answer its ping", { object, error: errorText(error) });
      }
    }),
  );
}

/** A round with the coordinator between two ticks; when it has been silent for too long, the polls. */
export async function runRound(nowMs: EpochMs, settings: Settings, env: Env): Promise<void> {
  const act = await askCoordinator(settings, env);
  if (act === "sweep") await planAllGroups(nowMs, true, settings, env);
}

/** Whether the polls of this tick are the sweeper's: also when nobody could find out whose they are. */
async function areSwept(settings: Settings, env: Env): Promise<boolean> {
  if (settings.rlc === null) return true;
  try {
    return (await askCoordinator(settings, env)) === "sweep";
  } catch (error) {
    log("error", "the round with the coordinator broke down", { error: errorText(error) });
    return true;
  }
}

/** A group that fails is told of and hinders no other; the next tick plans again from its own state. */
async function planAllGroups(
  scheduledMs: EpochMs,
  polls: boolean,
  settings: Settings,
  env: Env,
): Promise<void> {
  const tickMs = floorToMinute(scheduledMs);
  const startedMs = wallClock.now();
  const groups = Array.from({ length: settings.symbolGroups }, (_, group) => group);
  const results = await Promise.allSettled(
    groups.map((group) =>
      maybeTrace(`plan ${groupName(group)}`, async () =>
        symbolGroupStub(env, group).plan(tickMs, polls, callOrigin()),
      ),
    ),
  );
  results.forEach((result, group) => {
    if (result.status === "rejected") {
      log("error", "a group could not plan its minute", {
        group: groupName(group),
        error: errorText(result.reason),
      });
    }
  });
  const failed = results.filter(({ status }) => status === "rejected").length;
  const ms = wallClock.now() - startedMs;
  const tick = { minute: toIso(tickMs), polls, groups: groups.length, failed, ms };
  log("info", "a minute was planned", tick);
}
