import { groupName } from "../src/domain/symbol.ts";
import { calendarOf, type Settings } from "../src/env.ts";
import { marketClock, wallClock } from "../src/platform/clocks.ts";
import { after } from "../src/platform/timers.ts";
import { raiseAsOf } from "../src/postgres/cursor-store.ts";
import { drainFlushes } from "../src/postgres/flush-store.ts";
import { sqlClientOf } from "../src/postgres/service-client.ts";
import { classifySqlError } from "../src/postgres/sql-error.ts";
import { loadGroupMembers } from "../src/postgres/universe-store.ts";
import { pollOffsetMs } from "../src/providers/registry.ts";
import { GroupHost } from "../src/stream/group-host.ts";
import { helloFrame } from "../src/stream/hello.ts";
import { StreamHost } from "../src/stream/host.ts";
import { Rosters } from "../src/stream/rosters.ts";
import { GroupHome } from "../src/symbol-group/group-home.ts";
import { Ledger } from "../src/symbol-group/ledger.ts";

const LOCATION = { locationHint: "enam" } as const;

/** Puts a symbol group together: home and host side of one object, with the world they act on. */
export function groupWiring(
  ctx: DurableObjectState,
  env: Env,
  settings: Settings,
): { home: GroupHome; host: GroupHost } {
  const name = ctx.id.name ?? "";
  const group = groupNumber(name, settings.symbolGroups);
  const { config } = settings;
  const calendar = calendarOf(settings);
  const sql = sqlClientOf(settings);
  const nextDelayMs = pollOffsetMs(settings) + 3 * config.timeout_ms;
  const settleDelayMs = config.settle_delay_s * 1_000;
  const now = () => marketClock.now();
  const random = () => Math.random();
  const stub = (home: number) => env.SYMBOL_GROUP.getByName(groupName(home), LOCATION);
  const ledger = new Ledger({
    storage: ctx.storage,
    group,
    calendar,
    settleDelayMs,
    nextDelayMs,
    now,
    random,
  });
  const home: GroupHome = new GroupHome({
    group,
    storage: ctx.storage,
    ledger,
    calendar,
    fetches: {
      group,
      calendar,
      sessions: config.sessions,
      pollOffsetMs: pollOffsetMs(settings),
      overlapMinutes: config.overlap_minutes,
      timeoutMs: config.timeout_ms,
    },
    coldStartSessions: config.cold_start_sessions["1m"],
    market: marketClock,
    wall: wallClock,
    random,
    keepAlive: (work) => ctx.waitUntil(work),
    runJob: (job) => ctx.exports.FetchRunner.run(job),
    loadMembers: () => loadGroupMembers(sql, group),
    drain: { write: (flushes) => drainFlushes(sql, flushes), classify: classifySqlError },
    raiseStoredAsOf: async (epoch, fs, asOfMs) => {
      await raiseAsOf(sql, { group, class: "bars", epoch, fs, asOfMs });
    },
    deliver: (host, delivery) =>
      host === name
        ? streams.deliver(delivery)
        : env.SYMBOL_GROUP.getByName(host, LOCATION).deliver(delivery),
    sweepHost: () => streams.sweep(now()),
    connections: () => streams.count(),
    report: (totals) => env.METRICS_HUB.getByName("hub", LOCATION).report(name, totals),
  });
  const streams: StreamHost = new StreamHost({
    name,
    sockets: () => ctx.getWebSockets(),
    home: (of) =>
      of === group
        ? {
            follow: async (host, known) => home.follow(host, known),
            readLog: async (fs, maxBytes) => home.readLog(fs, maxBytes),
          }
        : stub(of),
    rosters: new Rosters(ctx.storage.sql),
    track: (work) => home.inFlight.track(work),
    after,
    onPublished: (receivedAt) => home.inFlight.track(observePublished(receivedAt)),
  });
  // Deployed clocks stand still between I/O: a storage read behind the sends lets the time move on.
  const observePublished = async (receivedAt: readonly number[]) => {
    await ctx.storage.getAlarm();
    const nowMs = wallClock.now();
    for (const atMs of receivedAt)
      home.totals.observe("ws_publish_latency_ms", { channel: "bars.1m" }, nowMs - atMs);
  };
  const host = new GroupHost({
    host: streams,
    symbolGroups: settings.symbolGroups,
    acceptSocket: (socket) => ctx.acceptWebSocket(socket),
    hello: (id) => helloFrame(id, calendar, now(), nextDelayMs),
    track: (work) => home.inFlight.track(work),
  });
  return { home, host };
}

function groupNumber(name: string, symbolGroups: number): number {
  const match = /^g(\d{2,4})$/.exec(name);
  const group = match === null ? Number.NaN : Number(match[1]);
  if (!(group < symbolGroups))
    throw new RangeError(`${name} is not a symbol group of this deployment`);
  return group;
}
