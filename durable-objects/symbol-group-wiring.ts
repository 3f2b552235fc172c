import { parseHostName } from "../src/domain/host-name.ts";
import type { ActingConfig } from "../src/config/acting-config.ts";
import { VersionWatch } from "../src/config/version-watch.ts";
import type { Settings } from "../src/env.ts";
import { planTasks } from "../src/ingest/plan-tasks.ts";
import { askGrants } from "../src/keys/ask-book.ts";
import { marketClock, wallClock } from "../src/platform/clocks.ts";
import { callOrigin, maybeTrace } from "../src/platform/trace.ts";
import { createTracer, type Tracer } from "../src/platform/tracer.ts";
import type { InFlight } from "../src/platform/in-flight.ts";
import type { MetricsReporter } from "../src/platform/metric-batch.ts";
import {
  backfillQueueStub,
  hostStub,
  metricsHubStub,
  symbolGroupStub,
} from "../src/platform/stubs.ts";
import { after } from "../src/platform/timers.ts";
import { raiseAsOf, readCursors, readStoredHoles } from "../src/postgres/cursor-store.ts";
import { drainFlushes, tryOutFlush } from "../src/postgres/flush-store.ts";
import { sqlClientOf } from "../src/postgres/service-client.ts";
import { classifySqlError } from "../src/postgres/sql-error.ts";
import { loadGroupMembers } from "../src/postgres/universe-store.ts";
import { BurnedTickets } from "../src/stream/burned-tickets.ts";
import { GroupHost } from "../src/stream/group-host.ts";
import type { HomePort } from "../src/stream/home-port.ts";
import { helloFrame } from "../src/stream/hello.ts";
import { type Published, StreamHost } from "../src/stream/host.ts";
import { KeyWatch } from "../src/stream/key-watch.ts";
import { withSharedReads } from "../src/stream/shared-reads.ts";
import { countChannels } from "../src/stream/reader-watch.ts";
import { Rosters } from "../src/stream/rosters.ts";
import { CalendarBook } from "../src/symbol-group/calendar-book.ts";
import { DutyStore } from "../src/symbol-group/duty-store.ts";
import { GroupHome } from "../src/symbol-group/group-home.ts";
import type { GroupRules } from "../src/symbol-group/group-rules.ts";
import { HostOnly } from "../src/symbol-group/host-only.ts";
import { Ledger } from "../src/symbol-group/ledger.ts";
import { MetaStore } from "../src/platform/meta-store.ts";
import { QuoteBook } from "../src/symbol-group/quote-book.ts";
import { RlcDesk } from "../src/symbol-group/rlc-desk.ts";
import { rulesOf } from "../src/symbol-group/rules-of.ts";
import { SERVICE_GROUP, writeTask } from "../src/symbol-group/service-duties.ts";

/** What both sides of an object are made from. */
interface World {
  readonly ctx: DurableObjectState;
  readonly env: Env;
  /** What the deployment is fixed to: its groups and its database. */
  readonly settings: Settings;
  readonly config: ActingConfig;
  readonly rules: () => GroupRules;
  readonly name: string;
  readonly tickets: BurnedTickets;
  readonly keyWatch: KeyWatch;
  readonly tracer: Tracer;
}

/** What an object does by itself: a group's home side, or a host-only instance's little. */
type Process = Pick<GroupHome, "planSweep" | "runDue" | "nextDueMs" | "idle" | "metrics">;

/** The home side of a group, with the books that its service duties need. */
export interface HomeWiring {
  readonly home: GroupHome;
  readonly desk: RlcDesk;
  readonly calendarBook: CalendarBook;
}

/** An object put together: its host side, and of a group its home side too. */
export interface Wiring {
  readonly process: Process;
  readonly host: GroupHost;
  readonly tickets: BurnedTickets;
  readonly tracer: Tracer;
  /** Null: a host-only instance. */
  readonly home: HomeWiring | null;
}

/** Puts an object together by its name: a symbol group or a host-only instance. */
export function groupWiring(ctx: DurableObjectState, env: Env, config: ActingConfig): Wiring {
  const { settings } = config;
  const name = ctx.id.name ?? "";
  const identity = parseHostName(name);
  const tickets = new BurnedTickets(ctx.storage.sql);
  const keyWatch = new KeyWatch({
    grants: (ids) => askGrants(env, ids),
    wallNow: () => wallClock.now(),
  });
  const rules = () => rulesOf(config.settings);
  const keepAlive = (work: Promise<void>) => ctx.waitUntil(work);
  const tracer = createTracer({ on: settings.traced, at: name, env, keepAlive });
  const world: World = { ctx, env, settings, config, rules, name, tickets, keyWatch, tracer };
  if (identity?.kind === "extra") return hostOnlyWiring(world);
  if (identity === null || identity.group >= settings.symbolGroups)
    throw new RangeError(`${name} is not a symbol group of this deployment`);
  return homeWiring(world, identity.group);
}

function hostOnlyWiring(world: World): Wiring {
  const { ctx, env, name } = world;
  const process = new HostOnly({
    name,
    sql: ctx.storage.sql,
    market: marketClock,
    keepAlive: (work) => ctx.waitUntil(work),
    sweepHost: () => sweepHost(world, streams),
    connections: () => streams.count(),
    channels: () => countChannels(streams.connections()),
    report: (totals) => metricsHubStub(env).report(name, totals),
  });
  const streams = createStreams(world, process, null);
  const host = createHost(world, process, streams);
  return { process, host, tickets: world.tickets, tracer: world.tracer, home: null };
}

function homeWiring(world: World, group: number): Wiring {
  const { ctx, rules } = world;
  const duties = new DutyStore(ctx.storage.sql);
  const desk = new RlcDesk({
    storage: ctx.storage,
    rules,
    now: () => marketClock.now(),
    planTask: (task) => writeTask(duties, task),
  });
  const home = createHome(world, group, () => streams, desk);
  const self: HomePort = {
    follow: async (streamClass, host, known) => home.follow(streamClass, host, known),
    readLog: async (streamClass, fs, maxBytes) => home.readLog(streamClass, fs, maxBytes),
    latestQuotes: async () => home.latestQuotes(),
    latestBars: async () => home.reads.latestBars(),
    locate: async (asOf) => home.reads.locate(asOf),
    drainPoint: async (epoch, maxFs) => home.reads.drainPoint(epoch, maxFs),
  };
  const streams = createStreams(world, home, { group, port: self });
  const host = createHost(world, home, streams);
  const calendarBook = new CalendarBook(new MetaStore(ctx.storage.sql));
  const { tickets, tracer } = world;
  return { process: home, host, tickets, tracer, home: { home, desk, calendarBook } };
}

function createHost(
  world: World,
  { inFlight }: { readonly inFlight: InFlight },
  streams: StreamHost,
): GroupHost {
  const { ctx, settings, rules } = world;
  return new GroupHost({
    host: streams,
    symbolGroups: settings.symbolGroups,
    acceptSocket: (socket) => ctx.acceptWebSocket(socket),
    hello: (id) => {
      const { calendar, nextDelayMs } = rules();
      return helloFrame(id, calendar, marketClock.now(), nextDelayMs);
    },
    track: (work) => inFlight.track(work),
  });
}

async function sweepHost({ tickets, keyWatch }: World, streams: StreamHost): Promise<void> {
  tickets.prune(wallClock.now());
  await streams.sweep(marketClock.now());
  await keyWatch.sweep(streams.connections(), (...how) => streams.close(...how));
}

function createHome(
  world: World,
  group: number,
  streams: () => StreamHost,
  desk: RlcDesk,
): GroupHome {
  const { ctx, env, settings, config, rules, name } = world;
  const sql = sqlClientOf(settings);
  const runners = new VersionWatch();
  const now = () => marketClock.now();
  const random = () => Math.random();
  const { storage } = ctx;
  return new GroupHome({
    group,
    storage,
    ledger: new Ledger({ storage, group, rules, now, random }),
    quotes: new QuoteBook({ storage, group, now, random }),
    rules,
    renewRules: async () => {
      await config.renew();
    },
    configVersions: () => ({
      group: config.lowest(),
      runner: runners.lowest(wallClock.now()),
    }),
    noteRunner: (version) => {
      if (version !== undefined) runners.note(version, wallClock.now());
    },
    market: marketClock,
    wall: wallClock,
    random,
    keepAlive: (work) => ctx.waitUntil(work),
    runJob: (job) =>
      maybeTrace(job.duty, async () => ctx.exports.FetchRunner.run(job, callOrigin())),
    offer: (tier, holes) => backfillQueueStub(env, tier).offer(holes, "gap"),
    runTask: (task) =>
      maybeTrace(task.duty, async () => ctx.exports.FetchRunner.runTask(task, callOrigin())),
    planTasks: (tickMs) => planTasks(tickMs, config.settings),
    reportPart: async (end) => {
      if (group === SERVICE_GROUP) desk.partEnded(end);
      else await symbolGroupStub(env, SERVICE_GROUP).partEnded(end);
    },
    loadMembers: () => loadGroupMembers(sql, group),
    drain: {
      write: (...batch) => maybeTrace("drain", () => drainFlushes(sql, ...batch)),
      tryOut: (flush) => tryOutFlush(sql, flush),
      classify: classifySqlError,
    },
    storedPosition: async (streamClass) =>
      (await readCursors(sql, [group])).find((cursor) => cursor.class === streamClass) ?? null,
    storedHoles: () => readStoredHoles(sql, group),
    raiseStoredAsOf: (epoch, fs, asOfMs) =>
      raiseAsOf(sql, { group, class: "bars", epoch, fs, asOfMs }),
    deliver: (host, delivery) =>
      maybeTrace(`to ${host}`, async () =>
        host === name
          ? streams().deliver(delivery)
          : hostStub(env, host).deliver(delivery, callOrigin()),
      ),
    sweepHost: () => sweepHost(world, streams()),
    connections: () => streams().count(),
    channels: () => countChannels(streams().connections()),
    report: (totals) => metricsHubStub(env).report(name, totals),
  });
}

function createStreams(
  world: World,
  { inFlight, metrics }: { readonly inFlight: InFlight; readonly metrics: MetricsReporter },
  self: { readonly group: number; readonly port: HomePort } | null,
): StreamHost {
  const { ctx, env, name } = world;
  const { totals } = metrics;
  // One for each group that is followed: groups are few.
  const homes = new Map<number, HomePort>();
  // Deployed clocks stand still between I/O: a storage read behind the sends lets the time move on.
  const observePublished = async (published: readonly Published[]) => {
    await ctx.storage.getAlarm();
    const nowMs = wallClock.now();
    for (const { class: streamClass, receivedAt } of published) {
      const channel = streamClass === "bars" ? "bars.1m" : "quotes";
      totals.observe("ws_publish_latency_ms", { channel }, nowMs - receivedAt);
    }
    // Between two sweeps the object may hibernate, and what it counted with it.
    metrics.keep();
  };
  return new StreamHost({
    name,
    sockets: () => ctx.getWebSockets(),
    home: (of) => {
      const known =
        homes.get(of) ??
        withSharedReads(() => (of === self?.group ? self.port : symbolGroupStub(env, of)));
      homes.set(of, known);
      return known;
    },
    rosters: new Rosters(ctx.storage.sql),
    track: (work) => inFlight.track(work),
    after,
    wallNow: () => wallClock.now(),
    lastPingMs: (socket) => ctx.getWebSocketAutoResponseTimestamp(socket)?.getTime() ?? null,
    totals,
    onPublished: (published) => inFlight.track(observePublished(published)),
  });
}
