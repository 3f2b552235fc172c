import { z } from "zod";
import { SYMBOL_GROUP_SCHEMA } from "../../../durable-objects/sqlite/symbol-group-schema.ts";
import type { LoggedFlush } from "../../../src/contracts/flush.ts";
import { parseHostName } from "../../../src/domain/host-name.ts";
import { MINUTE_MS } from "../../../src/domain/time.ts";
import { SymbolGroup as ServiceSymbolGroup } from "../../../src/index.ts";
import { migrateObject } from "../../../src/platform/object-migrations.ts";
import { wallClock } from "../../../src/platform/clocks.ts";
import { MetricTotals } from "../../../src/platform/metric-totals.ts";
import { Connection } from "../../../src/stream/connection.ts";
import type { FollowAnswer } from "../../../src/stream/home-port.ts";
import { StreamHost } from "../../../src/stream/host.ts";
import { Rosters } from "../../../src/stream/rosters.ts";
import { subscribe } from "../../../src/stream/subscribe.ts";
import { FANOUT_BARS, FANOUT_SESSION, fanoutSymbols } from "../fanout-market.ts";
import { type FanoutSide, SIDE_PATHS, sideQuerySchema } from "../fanout-sides.ts";
import { flushOf, symbolAt } from "../market-flushes.ts";

const HOME = 0;
const ROSTER = Array.from({ length: FANOUT_BARS }, (_, sid) => ({ symbol: symbolAt(sid), sid }));

/**
 * The service's object as it is measured: it begins with members, and can be a host whose flushes come
 * from here, or a bare object that only loops `send` over the frames of such a host.
 */
export class SymbolGroup extends ServiceSymbolGroup {
  #host: StreamHost | null = null;
  #bare: WebSocket[] = [];
  #texts: readonly string[] = [];
  #flushes: readonly LoggedFlush[] = [];
  #epoch = "";
  #sent = 0;

  constructor(ctx: DurableObjectState, env: Env) {
    migrateObject(ctx.storage, SYMBOL_GROUP_SCHEMA);
    seedMembers(ctx);
    super(ctx, env);
  }

  override async fetch(request: Request): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url);
    if (!pathname.startsWith(SIDE_PATHS.prefix)) return await super.fetch(request);
    const query = sideQuerySchema.parse(Object.fromEntries(searchParams));
    if (pathname === SIDE_PATHS.socket) return await this.#accept(query.side);
    if (pathname === SIDE_PATHS.send) await this.#sendNext(query.side, query.flushes);
    else if (query.side === "host") this.#prepare(query.flushes);
    else this.#keepFrames(z.array(z.string()).parse(await request.json()));
    return new Response(null, { status: 204 });
  }

  override async webSocketClose(socket: WebSocket): Promise<void> {
    this.#bare = this.#bare.filter((each) => each !== socket);
    await super.webSocketClose(socket);
  }

  async #accept(side: FanoutSide): Promise<Response> {
    const [client, server] = Object.values(new WebSocketPair());
    if (client === undefined || server === undefined) throw new Error("no socket pair");
    this.ctx.acceptWebSocket(server);
    if (side === "host") await this.#subscribe(server);
    else {
      this.#bare.push(server);
      server.send('{"op":"ready"}');
    }
    return new Response(null, { status: 101, webSocket: client });
  }

  /** Makes the flushes, so that this is no part of what is measured; whoever was here before has gone. */
  #prepare(count: number): void {
    const flushes = Array.from({ length: count }, (_, index) =>
      flushOf({
        group: HOME,
        members: FANOUT_BARS,
        fs: index + 1,
        fromMs: FANOUT_SESSION.openMs + index * MINUTE_MS,
        minutes: 1,
        revision: 0,
      }),
    );
    this.#epoch = flushes[0]?.epoch ?? "";
    this.#flushes = flushes.map((flush) => ({
      fs: flush.fs,
      asOf: flush.as_of,
      payload: JSON.stringify(flush),
    }));
    this.#sent = 0;
    this.#host = null;
  }

  #keepFrames(texts: readonly string[]): void {
    this.#texts = texts;
  }

  /** Sends the next flushes to every socket, each in frames of its own. */
  async #sendNext(side: FanoutSide, count: number): Promise<void> {
    if (side === "bare") {
      for (const text of this.#texts) {
        for (const socket of this.#bare) socket.send(text);
      }
      return;
    }
    const from = this.#sent;
    this.#sent += count;
    const host = this.#hostSide();
    const roster = { epoch: this.#epoch, length: ROSTER.length };
    const stream = { home: HOME, class: "bars" as const, epoch: this.#epoch, roster };
    for (const flush of this.#flushes.slice(from, from + count))
      await host.deliver({ ...stream, flushes: [flush] });
  }

  async #subscribe(socket: WebSocket): Promise<void> {
    const host = this.#hostSide();
    const connectedMs = wallClock.now();
    const connection = new Connection(socket, { id: crypto.randomUUID(), key: "", connectedMs });
    host.add(connection);
    await subscribe(host, connection, { op: "sub", ch: ["bars.1m"], symbols: ["*"] }, HOME + 1);
  }

  #hostSide(): StreamHost {
    this.#host ??= new StreamHost({
      name: "measured",
      sockets: () => [],
      home: () => ({
        follow: async () => this.#followed(),
        readLog: () => Promise.reject(new Error("a flush did not continue the one before")),
        latestQuotes: () => Promise.reject(new Error("there are no quotes")),
        latestBars: () => Promise.reject(new Error("nobody asks for a snapshot")),
        locate: () => Promise.reject(new Error("nobody resumes")),
        drainPoint: () => Promise.reject(new Error("nobody resumes")),
      }),
      rosters: new Rosters(this.ctx.storage.sql),
      track: (work) => this.ctx.waitUntil(work),
      // The wait for more to send as one costs time and no work: without it, work alone is compared.
      after: (_delayMs, act) => queueMicrotask(act),
      wallNow: () => wallClock.now(),
      lastPingMs: () => null,
      totals: new MetricTotals(),
      onPublished: () => {},
    });
    return this.#host;
  }

  #followed(): FollowAnswer {
    return {
      epoch: this.#epoch,
      headFs: this.#sent,
      headAt: FANOUT_SESSION.openMs,
      oldestFs: 1,
      rosterEpoch: this.#epoch,
      roster: ROSTER,
      rosterFrom: 0,
      nextMs: FANOUT_SESSION.closeMs,
    };
  }
}

/** Gives a group its members before it reads them: there is no Postgres that has them. */
function seedMembers(ctx: DurableObjectState): void {
  const host = parseHostName(ctx.id.name ?? "");
  if (host?.kind !== "group") return;
  const known = "INSERT INTO meta (key, value) VALUES ('watermark_ms', ?) ON CONFLICT DO NOTHING";
  ctx.storage.sql.exec(known, String(FANOUT_SESSION.openMs));
  fanoutSymbols(host.group).forEach((symbol, slot) => {
    ctx.storage.sql.exec(
      `INSERT INTO member (slot, symbol, sid, tier, since_ms, active) VALUES (?, ?, ?, 'T1', ?, 1)
       ON CONFLICT (slot) DO NOTHING`,
      slot,
      symbol,
      host.group * FANOUT_BARS + slot,
      FANOUT_SESSION.openMs,
    );
  });
}
