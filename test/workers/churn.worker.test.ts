import { runInDurableObject } from "cloudflare:test";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { StreamClient } from "./support/stream-client.ts";
import {
  AAPL_GROUP,
  api,
  connect,
  group,
  ingestMinute,
  load,
  minute,
  MSFT_GROUP,
  SPY_GROUP,
  SYMBOL_GROUPS,
  useWorld,
} from "./support/world.ts";
import { stepMarketClock } from "../../src/platform/clocks.ts";

const CONNECTIONS = 1_000;
const BATCH = 50;
const MAX_CHURN_MS = 300_000;
const HOMES = [AAPL_GROUP, MSFT_GROUP, SPY_GROUP];
const ALL = Array.from({ length: SYMBOL_GROUPS }, (_, number) => number);
useWorld();

const wishes = fc.record({
  symbols: fc.constantFrom("AAPL", "AAPL,ORCL", "AAPL,SPY", "MSFT,BAC,NO.SUCH"),
  /** What the client does before it goes away: nothing, waits for its answer, or asks for more. */
  stays: fc.constantFrom("not", "answered", "asks"),
  code: fc.constantFrom(undefined, 1000, 3000, 4999),
});

type Wish = typeof wishes extends fc.Arbitrary<infer T> ? T : never;

async function play(wish: Wish): Promise<StreamClient> {
  const client = await connect(`?symbols=${wish.symbols}`);
  if (wish.stays !== "not") await client.find((frame) => (frame.op === "ack" ? frame : null));
  if (wish.stays === "asks")
    client.send({ op: "sub", ch: ["bars.1m", "quotes"], symbols: ["SPY"], ack: true });
  client.socket.close(wish.code);
  return client;
}

describe("a thousand connections that come and go at random", () => {
  it(
    "leave no follower, row or gauge behind",
    async () => {
      await load(HOMES);
      const plays = fc.sample(wishes, { numRuns: CONNECTIONS, seed: 20_260_321 });
      const opened: StreamClient[] = [];
      for (let from = 0; from < plays.length; from += BATCH) {
        opened.push(...(await Promise.all(plays.slice(from, from + BATCH).map(play))));
        if (from % 200 === 0) await ingestMinute(AAPL_GROUP, from / 200, { AAPL: 100, ORCL: 50 });
      }
      for (const client of opened) await client.closing();
      expect(opened).toHaveLength(CONNECTIONS);
      // Each home learns by its next flush that nobody wants it, each host reports at its next sweep.
      for (const home of HOMES) {
        const symbol = home === AAPL_GROUP ? "AAPL" : home === MSFT_GROUP ? "MSFT" : "SPY";
        await ingestMinute(home, 10, { [symbol]: 100 });
      }
      stepMarketClock(minute(14));
      for (const number of ALL) await group(number).runUntilQuiet();
      for (const number of ALL) {
        const left = await runInDurableObject(group(number), (_, state) => ({
          sockets: state.getWebSockets().length,
          followers: state.storage.sql.exec("SELECT host FROM follower").toArray(),
          sweeps: state.storage.sql.exec("SELECT name FROM duty WHERE name = 'sweep'").toArray(),
        }));
        expect(left).toEqual({ sockets: 0, followers: [], sweeps: [] });
      }
      const text = await (await api("/metrics")).text();
      const gauges = text.split("\n").filter((line) => /^ws_\w+_gauge\{/.test(line));
      expect(gauges.length).toBeGreaterThan(3);
      expect(gauges.filter((line) => !line.endsWith(" 0"))).toEqual([]);
    },
    MAX_CHURN_MS,
  );
});
