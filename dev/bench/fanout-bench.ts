import type { DirectRuntime } from "./direct-runtime.ts";
import { FANOUT_BARS, FANOUT_GROUPS, fanoutSymbols } from "./fanout-market.ts";
import { ClientFleet, type Opening } from "./fanout-fleet.ts";
import { type FanoutSide, SIDE_PATHS } from "./fanout-sides.ts";
import { wallNow } from "./fanout-messages.ts";
import { type BenchOptions, type Figures, median, percentile, rounded } from "./figures.ts";
import { BENCH_KEY } from "./runtime-bench.ts";

/** How much of it is run. */
interface Scale {
  readonly clients: number;
  readonly rounds: number;
  /** Of deflated frames, which take ten times as long. */
  readonly deflatedRounds: number;
  /** Flushes that are sent one after another in a round. */
  readonly flushes: number;
  readonly publishes: number;
  readonly starPublishes: number;
  /** Publishes of either kind that come before: code that has not run is slow. */
  readonly warmUps: number;
}

const FULL: Scale = {
  clients: 1_000,
  rounds: 40,
  deflatedRounds: 8,
  flushes: 4,
  publishes: 200,
  starPublishes: 5,
  warmUps: 10,
};
const QUICK: Scale = {
  clients: 100,
  rounds: 6,
  deflatedRounds: 4,
  flushes: 4,
  publishes: 8,
  starPublishes: 3,
  warmUps: 1,
};

/**
 * Fan-out on loopback, each figure from outside, with every flush counted at every client: frames a second of a host
 * against a bare object with the same frames; bytes of a bar on the wire; and how late a flush is at its clients, from
 * the request that brings the bars to the service.
 */
export async function benchFanout({ url }: DirectRuntime, options: BenchOptions): Promise<Figures> {
  const scale = options.quick ? QUICK : FULL;
  const fleet = new ClientFleet();
  try {
    const run = new FanoutRun(url, fleet, scale, options.say);
    const plain = await run.throughput(false);
    const deflated = await run.throughput(true);
    // All groups first: one that had been left out would tell of its holes as well.
    const star = await run.publish(["*"], FANOUT_GROUPS, scale.starPublishes);
    const publish = await run.publish(fanoutSymbols(0), 1, scale.publishes);
    return {
      frames_per_s: plain.host,
      bare_frames_per_s: plain.bare,
      ratio: plain.ratio,
      bars_per_s: plain.host * FANOUT_BARS,
      bytes_per_bar: plain.bytesPerBar,
      frames_per_s_deflated: deflated.host,
      bytes_per_bar_deflated: deflated.bytesPerBar,
      publish_p99_ms: publish,
      star_publish_p99_ms: star,
    };
  } finally {
    fleet.end();
  }
}

interface Throughput {
  /** Frames a second, from the request to send them to the last arrival; the middle of the rounds. */
  readonly host: number;
  readonly bare: number;
  /** Of host to bare within a round; the middle of the rounds. */
  readonly ratio: number;
  /** From the host's frames, framing included. */
  readonly bytesPerBar: number;
}

class FanoutRun {
  #url: string;
  #fleet: ClientFleet;
  #scale: Scale;
  #say: (line: string) => void;
  /** Market time goes on over all that is published. */
  #minute = 0;

  constructor(url: string, fleet: ClientFleet, scale: Scale, say: (line: string) => void) {
    this.#url = url;
    this.#fleet = fleet;
    this.#scale = scale;
    this.#say = say;
  }

  /**
   * In each round the host sends, and at once after it the bare object the same frames to as many sockets of its
   * own: a machine that gets busy meanwhile slows both. A first round warms up.
   */
  async throughput(deflate: boolean): Promise<Throughput> {
    const { flushes, clients } = this.#scale;
    const rounds = deflate ? this.#scale.deflatedRounds : this.#scale.rounds;
    const bareFleet = new ClientFleet();
    try {
      await this.#post(`${SIDE_PATHS.prepare}?side=host&flushes=${(rounds + 1) * flushes}`);
      const extensions = await this.#openSide(this.#fleet, "host", deflate);
      await this.#openSide(bareFleet, "bare", deflate);
      if (deflate) {
        const agreed = extensions.join("; ") || "nothing";
        this.#say(`offered permessage-deflate, the runtime agreed on: ${agreed}`);
      }
      const times: Record<FanoutSide, number[]> = { host: [], bare: [] };
      let [bytes, bars] = [0, 0];
      for (let round = 0; round <= rounds; round += 1) {
        const host = await this.#sendRound(this.#fleet, "host");
        await this.#post(`${SIDE_PATHS.prepare}?side=bare`, host.texts);
        const bare = await this.#sendRound(bareFleet, "bare");
        const isSame =
          host.texts.length === flushes && host.texts.every((text, at) => text === bare.texts[at]);
        if (!isSame) throw new Error("the two sides did not send the same frames");
        if (round === 0) continue;
        times.host.push(host.tookMs);
        times.bare.push(bare.tookMs);
        bytes += host.bytes;
        bars += host.bars;
      }
      await Promise.all([this.#fleet.close(), bareFleet.close()]);
      const perSecond = (side: FanoutSide) =>
        Math.round(((clients * flushes) / median(times[side])) * 1_000);
      const ratios = times.host.map((hostMs, round) => (times.bare[round] ?? Number.NaN) / hostMs);
      return {
        host: perSecond("host"),
        bare: perSecond("bare"),
        ratio: Math.round(median(ratios) * 1_000) / 1_000,
        bytesPerBar: rounded(bytes / bars),
      };
    } finally {
      bareFleet.end();
    }
  }

  async #openSide(fleet: ClientFleet, side: FanoutSide, deflate: boolean) {
    const until = side === "host" ? "ack" : "ready";
    return await this.#open(fleet, { url: `${SIDE_PATHS.socket}?side=${side}`, deflate, until });
  }

  /** From the request to send to the last arrival. */
  async #sendRound(fleet: ClientFleet, side: FanoutSide) {
    const { flushes, clients } = this.#scale;
    let startMs = 0;
    const arrived = await fleet.whenArrived(flushes, async () => {
      startMs = wallNow();
      await this.#post(`${SIDE_PATHS.send}?side=${side}&flushes=${flushes}`);
    });
    if (arrived.bars !== flushes * clients * FANOUT_BARS)
      throw new Error(`${arrived.bars} bars arrived in ${flushes} flushes`);
    return { ...arrived, tookMs: latest(arrived.arrivals) - startMs };
  }

  /** How late flushes are at their clients, ms, p99 over every flush at every client. */
  async publish(symbols: readonly string[], groups: number, times: number): Promise<number> {
    const { clients, warmUps } = this.#scale;
    await this.#open(this.#fleet, {
      url: `/v1/stream?symbols=${symbols.join(",")}`,
      deflate: false,
      until: "ack",
    });
    const lateMs: number[] = [];
    for (let time = 0; time < warmUps + times; time += 1) {
      const minute = this.#minute;
      this.#minute += 1;
      let startMs = 0;
      const arrived = await this.#fleet.whenArrived(groups, async () => {
        startMs = wallNow();
        await this.#post(`/bench/publish?groups=${groups}&minute=${minute}`);
      });
      if (arrived.bars !== groups * clients * FANOUT_BARS)
        throw new Error(`${arrived.bars} bars arrived of ${groups} flushes`);
      if (time >= warmUps) for (const at of arrived.arrivals) lateMs.push(at - startMs);
    }
    await this.#fleet.close();
    return rounded(percentile(lateMs, 0.99));
  }

  async #open(
    fleet: ClientFleet,
    opening: Pick<Opening, "url" | "deflate" | "until">,
  ): Promise<readonly string[]> {
    const url = this.#url.replace(/^http/, "ws") + opening.url;
    return await fleet.open({ ...opening, url, count: this.#scale.clients, key: BENCH_KEY });
  }

  async #post(path: string, body: unknown = null): Promise<void> {
    const response = await fetch(this.#url + path, { method: "POST", body: JSON.stringify(body) });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    await response.arrayBuffer();
  }
}

function latest(instants: readonly number[]): number {
  return instants.reduce((max, instant) => Math.max(max, instant), 0);
}
