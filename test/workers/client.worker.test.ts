import { connect as connectClient, type BarEvent, type FeedState } from "../../src/client/index.ts";
import { describe, expect, it } from "vitest";
import {
  AAPL_GROUP,
  api,
  group,
  ingestMinute,
  KEY,
  load,
  SPY_GROUP,
  useWorld,
} from "./support/world.ts";

useWorld();

/** Sockets to the Worker of this test: its `fetch` upgrades where a browser would dial. */
class WorkerSocket extends EventTarget {
  static readonly opened: WorkerSocket[] = [];
  binaryType = "blob";
  readyState = 0;
  #socket: WebSocket | null = null;

  constructor(url: string, protocols: string[] = []) {
    super();
    WorkerSocket.opened.push(this);
    void this.#dial(new URL(url), protocols);
  }

  send(text: string): void {
    this.#socket?.send(text);
  }

  close(code?: number, reason?: string): void {
    this.readyState = 3;
    this.#socket?.close(code, reason);
  }

  /** The network drops the connection. */
  lose(): void {
    this.close(1000);
    this.dispatchEvent(new CloseEvent("close", { code: 1006 }));
  }

  async #dial({ pathname, search }: URL, protocols: readonly string[]): Promise<void> {
    const answer = await api(`${pathname}${search}`, {
      Upgrade: "websocket",
      "Sec-WebSocket-Protocol": protocols.join(", "),
    });
    const socket = answer.webSocket;
    if (socket === null) return void this.dispatchEvent(new CloseEvent("close", { code: 1006 }));
    this.#socket = socket;
    this.readyState = 1;
    socket.addEventListener("message", ({ data }) =>
      this.dispatchEvent(new MessageEvent("message", { data: String(data) })),
    );
    socket.addEventListener("close", ({ code, reason }) => {
      if (this.readyState === 3) return;
      this.readyState = 3;
      this.dispatchEvent(new CloseEvent("close", { code, reason }));
    });
    socket.accept();
    this.dispatchEvent(new Event("open"));
  }
}

function lastSocket(): WorkerSocket {
  const socket = WorkerSocket.opened.at(-1);
  if (socket === undefined) throw new Error("nobody has connected");
  return socket;
}

/** A client whose states can be waited for. */
function follow(more: Partial<Parameters<typeof connectClient>[0]> = {}) {
  const bars: BarEvent[] = [];
  const states: FeedState[] = [];
  const wakers: (() => void)[] = [];
  const wake = () => {
    for (const each of wakers.splice(0)) each();
  };
  const feed = connectClient({
    url: "https://mds.test",
    key: KEY,
    symbols: ["AAPL", "SPY"],
    onBar: (bar) => {
      bars.push(bar);
      wake();
    },
    onState: (state) => {
      states.push(state);
      wake();
    },
    deps: {
      socketClass: WorkerSocket,
      random: () => 0,
      fetch: async (url, { headers }) => {
        const { pathname, search } = new URL(url);
        return await api(`${pathname}${search}`, headers);
      },
    },
    ...more,
  });
  return {
    feed,
    bars,
    states,
    until: async (done: () => boolean) => {
      while (!done()) await new Promise<void>((resolve) => wakers.push(resolve));
    },
  };
}

const closes = (bars: readonly BarEvent[], symbol: string) =>
  bars.filter((bar) => bar.symbol === symbol).map((bar) => bar.close);

describe("the client in workerd", () => {
  it("follows the homes of its symbols through a drop, resumes, and has every bar once", async () => {
    await load([AAPL_GROUP, SPY_GROUP]);
    const { feed, bars, states, until } = follow();
    const lives = (count: number) =>
      states.filter(({ state }) => state === "live").length === count;
    await until(() => lives(1));
    await ingestMinute(AAPL_GROUP, 0, { AAPL: 100, ORCL: 50 });
    await ingestMinute(SPY_GROUP, 0, { SPY: 500 });
    await until(() => bars.length === 2);
    const before = lastSocket();
    before.lose();
    await ingestMinute(AAPL_GROUP, 1, { AAPL: 101 });
    await ingestMinute(AAPL_GROUP, 2, { AAPL: 102 });
    await until(() => lives(2));
    await ingestMinute(AAPL_GROUP, 3, { AAPL: 103 });
    await ingestMinute(SPY_GROUP, 3, { SPY: 503 });
    await until(() => bars.length === 6);
    expect(lastSocket()).not.toBe(before);
    expect(closes(bars, "AAPL")).toEqual([100, 101, 102, 103]);
    expect(closes(bars, "SPY")).toEqual([500, 503]);
    expect(new Set(bars.map(({ via }) => via))).toEqual(new Set(["live", "replay"]));
    expect(states.filter(({ state }) => state === "resuming")).toHaveLength(1);
    feed.close();
    expect(states.at(-1)).toMatchObject({ state: "closed" });
    expect((await group(AAPL_GROUP).status()).epoch).toBe(feed.token.split(/[.,]/)[1]);
  });

  it("goes on in another client from the token that was kept", async () => {
    await load([AAPL_GROUP]);
    const first = follow({ symbols: ["AAPL"] });
    await first.until(() => first.states.at(-1)?.state === "live");
    await ingestMinute(AAPL_GROUP, 0, { AAPL: 100 });
    await first.until(() => first.bars.length === 1);
    const { token } = first.feed;
    first.feed.close();
    await ingestMinute(AAPL_GROUP, 1, { AAPL: 101 });
    const second = follow({ symbols: ["AAPL"], resume: token });
    await second.until(() => second.bars.length === 1);
    expect(closes(second.bars, "AAPL")).toEqual([101]);
    second.feed.close();
  });
});
