import { runInDurableObject } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import type { LoggedFlush, StreamClass } from "../../src/contracts/flush.ts";
import { createEpoch } from "../../src/domain/epoch.ts";
import { MetricTotals } from "../../src/platform/metric-totals.ts";
import { Connection } from "../../src/stream/connection.ts";
import type { FollowAnswer, HomePort } from "../../src/stream/home-port.ts";
import { StreamHost } from "../../src/stream/host.ts";
import { Rosters } from "../../src/stream/rosters.ts";
import type { SubFrame } from "../../src/stream/starts.ts";
import { NO_SUBSCRIPTION, type RosterEntry, withSymbols } from "../../src/stream/subscription.ts";
import { subscribe } from "../../src/stream/subscribe.ts";
import { flush, OPEN_MS } from "../support/flushes.ts";
import { AAPL_GROUP, group, MSFT_GROUP, SYMBOL_GROUPS, useWorld } from "./support/world.ts";

const HOME = AAPL_GROUP;
const OLD = createEpoch(OPEN_MS, () => 0.5);
const NEW = createEpoch(OPEN_MS + 1, () => 0.5);
/** When silence is a fault by what the home says: not in these tests. */
const NEXT_MS = OPEN_MS + 60_000;
/** A request for what a home has of quotes, and for what comes. */
const LAST_QUOTES: SubFrame = { op: "sub", ch: ["quotes"], symbols: ["AAPL"], from: "snapshot" };
useWorld();

/** A host side of its own, whose home is empty, stands in `NEW`, and answers otherwise as told. */
async function withHost(
  home: Partial<HomePort>,
  act: (world: {
    host: StreamHost;
    connection: Connection;
    /** Its code when it is closed. */
    closed: Promise<number>;
    deliver: (streamClass: StreamClass, epoch: string, fs: number) => Promise<void>;
    /** Resolves when nothing runs in the background any more. */
    idle: () => Promise<void>;
  }) => Promise<void>,
): Promise<void> {
  await runInDurableObject(group(MSFT_GROUP), async (_, { storage }) => {
    const work: Promise<void>[] = [];
    const host = new StreamHost({
      name: "host",
      sockets: () => [],
      home: () => ({ ...emptyHome(), ...home }),
      rosters: new Rosters(storage.sql),
      track: (begun) => void work.push(begun),
      after: (_delayMs, send) => queueMicrotask(send),
      wallNow: () => 0,
      lastPingMs: () => null,
      totals: new MetricTotals(),
      onPublished: () => {},
    });
    const [client, socket] = Object.values(new WebSocketPair());
    if (client === undefined || socket === undefined) throw new Error("no socket");
    socket.accept();
    client.accept();
    const closed = new Promise<number>((resolve) =>
      client.addEventListener("close", ({ code }) => resolve(code)),
    );
    const connection = new Connection(socket, { id: "c", key: "k", connectedMs: 0 });
    host.add(connection);
    await act({
      host,
      connection,
      closed,
      deliver: async (streamClass, epoch, fs) => {
        const roster = { epoch: NEW, length: 1 };
        const flushes = [logged(fs)];
        await host.deliver({ home: HOME, class: streamClass, epoch, roster, flushes });
      },
      idle: async () => {
        for (let done = 0; done < work.length; done = work.length) await Promise.allSettled(work);
      },
    });
  });
}

/** A flush of the home's bars as its log has it. */
function logged(fs: number): LoggedFlush {
  const appended = flush(fs, { group: HOME, epoch: NEW, next: NEXT_MS });
  return { fs, asOf: appended.as_of, payload: JSON.stringify(appended) };
}

function followed(headFs: number): FollowAnswer {
  return {
    epoch: NEW,
    headFs,
    headAt: OPEN_MS,
    oldestFs: 1,
    rosterEpoch: NEW,
    roster: [{ symbol: "AAPL", sid: 10 }],
    rosterFrom: 0,
    nextMs: NEXT_MS,
  };
}

function emptyHome(): HomePort {
  return {
    follow: async () => followed(0),
    readLog: async () => ({ epoch: NEW, headFs: 0, flushes: [] }),
    latestQuotes: async () => ({ epoch: NEW, fs: 0, at: OPEN_MS, quotes: [] }),
    latestBars: () => Promise.reject(new Error("not asked here")),
    locate: () => Promise.reject(new Error("not asked here")),
    drainPoint: () => Promise.reject(new Error("not asked here")),
  };
}

describe("a stream that began anew and is empty yet", () => {
  it("is caught at once by who joins it, though the host heard last of its former life", async () => {
    let asked = 0;
    const latestQuotes = async () => {
      asked += 1;
      return await emptyHome().latestQuotes();
    };
    await withHost({ latestQuotes }, async ({ host, connection, deliver, idle }) => {
      await deliver("quotes", OLD, 3);
      await subscribe(host, connection, LAST_QUOTES, SYMBOL_GROUPS);
      await idle();
      expect(asked).toBe(1);
      expect(connection.isGone).toBe(false);
    });
  });
});

describe("the view of a stream", () => {
  it("is kept while its home has the same members in the same places, and no longer", async () => {
    await withHost({}, async ({ connection }) => {
      const [aapl, orcl] = [
        { symbol: "AAPL", sid: 10 },
        { symbol: "ORCL", sid: 11 },
      ];
      connection.subscribe(withSymbols(NO_SUBSCRIPTION, ["bars.1m"], [aapl.sid]));
      const maskFor = (roster: readonly RosterEntry[]) =>
        connection.view("7b", { group: 7, class: "bars" }, roster)?.channels.get("bars.1m")?.mask;
      const before = [aapl, orcl];
      expect(maskFor(before)).toEqual(Uint8Array.of(1, 0));
      expect(maskFor(before)).toBe(maskFor(before));
      // A home that began anew gave out its places in another order.
      expect(maskFor([orcl, aapl])).toEqual(Uint8Array.of(0, 1));
    });
  });
});

describe("a home that does not answer once", () => {
  it("is read again at the next sweep, though its stream may be silent for long", async () => {
    let reads = 0;
    const readLog = async (_class: StreamClass, afterFs: number) => {
      reads += 1;
      if (reads === 1) throw new Error("the network was lost");
      return { epoch: NEW, headFs: 2, flushes: [1, 2].filter((fs) => fs > afterFs).map(logged) };
    };
    const follow = async () => followed(reads === 0 ? 0 : 2);
    await withHost({ readLog, follow }, async ({ host, connection, deliver, idle }) => {
      await subscribe(
        host,
        connection,
        { ...LAST_QUOTES, ch: ["bars.1m"], from: "now" },
        SYMBOL_GROUPS,
      );
      await host.sweep(OPEN_MS);
      await deliver("bars", NEW, 2);
      await idle();
      expect(connection.positions.get(`${HOME}b`)?.fs).toBe(0);
      await host.sweep(OPEN_MS);
      await idle();
      expect(connection.positions.get(`${HOME}b`)?.fs).toBe(2);
      expect(connection.busy.size).toBe(0);
      await host.sweep(OPEN_MS);
      expect(reads).toBe(3);
    });
  });

  it("closes who was promised its last quotes, so that it resumes", async () => {
    const latestQuotes = () => Promise.reject(new Error("the network was lost"));
    await withHost({ latestQuotes }, async ({ host, connection, closed, idle }) => {
      await subscribe(host, connection, LAST_QUOTES, SYMBOL_GROUPS);
      await idle();
      expect(connection.isGone).toBe(true);
      expect(await closed).toBe(4010);
    });
  });
});
