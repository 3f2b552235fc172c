import { type FlushFrame, serverFrameSchema } from "../contracts/stream.ts";
import type { EpochMs } from "../domain/time.ts";
import { SECOND_MS } from "../domain/time.ts";
import { errorText, log } from "../platform/log.ts";
import { MetricsReporter, type SendBatch } from "../platform/metric-batch.ts";
import type { MetricTotals } from "../platform/metric-totals.ts";
import { formatToken, parseToken, type Position } from "../stream/token.ts";

/** What the canary follows: it trades each minute. */
export const CANARY_SYMBOL = "SPY";

/** What a canary keeps: totals that only grow, and where it is. */
export interface CanaryMemory {
  readonly get: (key: "token" | "totals") => string | null;
  readonly set: (key: "token" | "totals", value: string) => void;
}

/** What a canary is made from. */
export interface CanaryDeps {
  readonly memory: CanaryMemory;
  /** Opens a connection to where the symbol lives; it may fail. */
  readonly connect: () => Promise<WebSocket>;
  readonly now: () => EpochMs;
  readonly report: SendBatch;
}

/**
 * A client inside the deployment: it follows one symbol as a client does, resumes by token, and counts what
 * came, how late, and what did not come. The publish latency that a host measures ends with its last send;
 * this one ends where a client reads.
 */
export class Canary {
  #deps: CanaryDeps;
  #metrics: MetricsReporter;
  #totals: MetricTotals;
  #positions: Map<string, Position>;
  #socket: WebSocket | null = null;
  #isLive = false;
  /** Looks in a row that found no connection which is acknowledged. */
  #missedLooks = 0;

  constructor(deps: CanaryDeps) {
    this.#deps = deps;
    const { memory } = deps;
    const store = {
      get: () => memory.get("totals"),
      set: (text: string) => memory.set("totals", text),
    };
    this.#metrics = new MetricsReporter(store, deps.report);
    this.#totals = this.#metrics.totals;
    this.#positions = parseToken(deps.memory.get("token") ?? "") ?? new Map<string, Position>();
  }

  /**
   * Connects when the market is open and no connection is, leaves when it is closed; tells how it is. It comes
   * at each sample and each minute, sooner than a host gives up a connection that does not ping.
   */
  async keep(isOpen: boolean): Promise<void> {
    if (!isOpen) this.leave();
    else if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send("ping");
    else await this.#open();
    this.#judge(isOpen);
    await this.#metrics.report();
  }

  /** Only from one look to the next may a connection that was just made lack its acknowledgement. */
  #judge(isOpen: boolean): void {
    this.#missedLooks = isOpen && !this.#isLive ? this.#missedLooks + 1 : 0;
    const isPending = this.#socket !== null && this.#missedLooks === 1;
    if (!isPending) this.#totals.set("canary_up", {}, isOpen ? Number(this.#isLive) : null);
  }

  /** An object with an open socket stays awake, which costs. */
  leave(): void {
    this.#socket?.close(1000, "the market is closed");
    this.#gone(this.#socket);
  }

  async #open(): Promise<void> {
    this.#gone(this.#socket);
    try {
      const socket = await this.#deps.connect();
      this.#socket = socket;
      socket.addEventListener("message", ({ data }) => this.#take(socket, String(data)));
      socket.addEventListener("close", () => this.#gone(socket));
      socket.addEventListener("error", () => this.#gone(socket));
      socket.accept();
      const resume = this.#positions.size > 0 ? { resume: formatToken(this.#positions) } : {};
      const sub = { op: "sub", ch: ["bars.1m"], symbols: [CANARY_SYMBOL], ...resume };
      socket.send(JSON.stringify(sub));
      this.#totals.add("canary_connects_total", {});
    } catch (error) {
      this.#gone(this.#socket);
      log("warn", "the canary could not connect", { error: errorText(error) });
    }
  }

  #gone(socket: WebSocket | null): void {
    if (socket !== this.#socket) return;
    this.#socket = null;
    this.#isLive = false;
  }

  #take(socket: WebSocket, text: string): void {
    if (socket !== this.#socket || text === "pong") return;
    const parsed = serverFrameSchema.safeParse(JSON.parse(text));
    if (!parsed.success) return this.#fault("not a frame of the protocol");
    const frame = parsed.data;
    switch (frame.op) {
      case "ack":
        this.#isLive = frame.rejected.length === 0;
        for (const { recovered } of frame.resume ?? [])
          this.#totals.add("canary_resumes_total", { recovered: String(recovered) });
        // What was handed off is in Postgres; a canary goes on where the socket does.
        if (frame.resume?.some(({ recovered }) => !recovered) !== false)
          this.#positions = parseToken(frame.token) ?? new Map<string, Position>();
        break;
      case "flush":
        this.#flush(frame);
        break;
      case "batch":
        for (const flush of frame.flushes) this.#flush(flush);
        break;
      case "epoch":
        this.#positions.set(frame.g, { epoch: frame.e, fs: frame.fs, at: this.#deps.now() });
        break;
      case "error":
        this.#fault(frame.msg);
        break;
      case "hello":
      case "caught_up":
      case "snapshot":
      case "slow":
        break;
    }
    this.#remember();
  }

  #flush(flush: FlushFrame): void {
    const { g, e: epoch, fs, at } = flush;
    const last = this.#positions.get(g);
    const missed = last === undefined || last.epoch !== epoch ? 0 : fs - last.fs - 1;
    if (missed > 0) {
      this.#totals.add("canary_lost_flushes_total", {}, missed);
      log("error", "the canary lost flushes", { stream: g, after: fs - missed - 1, fs });
    }
    this.#positions.set(g, { epoch, fs, at });
    if (flush.rp === undefined)
      this.#totals.observe(
        "canary_latency_seconds",
        {},
        Math.max(0, this.#deps.now() - at) / SECOND_MS,
      );
  }

  #fault(why: string): void {
    log("error", "the canary was told something that it did not expect", { why });
    this.#isLive = false;
  }

  #remember(): void {
    this.#deps.memory.set("token", formatToken(this.#positions));
    this.#metrics.keep();
  }
}
