import { WebSocket } from "ws";
import {
  STREAM_PROTOCOL,
  type ServerFrame,
  serverFrameSchema,
} from "../../src/contracts/stream.ts";
import type { Target } from "../deployment/target.ts";

/** Which stream is probed, and how long all of it may take. */
export interface ProbeTarget extends Target {
  readonly symbol: string;
  readonly timeoutMs: number;
}

/** Steps of a probe, in their order. `pong` is a round trip of its own; the others run from the start. */
export const PROBE_STEPS = ["open", "hello", "subscribed", "pong"] as const;
export type ProbeStep = (typeof PROBE_STEPS)[number];

/** What a probe found: when each step was done, wall ms, and what stopped it. */
export interface ProbeResult {
  readonly ok: boolean;
  readonly ms: Readonly<Partial<Record<ProbeStep, number>>>;
  /** What the service says of the market; null when it did not get so far. */
  readonly market: { readonly state: string; readonly nextDataByMs: number } | null;
  /** Null when it works. */
  readonly failure: string | null;
}

const SUB_ID = 1;
const NORMAL_CLOSURE = 1_000;
const MAX_REFUSAL = 300;

/**
 * Opens the stream as a client does, subscribes to one symbol, and asks for a sign of life: hello, the answer to
 * the subscription, pong. Never rejects, and ends in time whatever the other side does.
 */
export function probeStream(target: ProbeTarget): Promise<ProbeResult> {
  return new Promise((resolve) => new Probe(target, resolve).start());
}

class Probe {
  #target: ProbeTarget;
  #resolve: (result: ProbeResult) => void;
  #ms: Partial<Record<ProbeStep, number>> = {};
  #market: ProbeResult["market"] = null;
  #startMs = performance.now();
  #pingMs = 0;
  #socket: WebSocket | null = null;
  #deadline: ReturnType<typeof setTimeout> | undefined;

  constructor(target: ProbeTarget, resolve: (result: ProbeResult) => void) {
    this.#target = target;
    this.#resolve = resolve;
  }

  start(): void {
    const { url, key, timeoutMs } = this.#target;
    this.#deadline = setTimeout(() => this.#end(this.#overdue()), timeoutMs);
    const socket = new WebSocket(`${url.replace(/^http/, "ws")}/v1/stream`, [STREAM_PROTOCOL], {
      headers: { authorization: `Bearer ${key}` },
    });
    this.#socket = socket;
    socket.on("open", () => this.#done("open"));
    socket.on("message", (data: Buffer) => this.#take(data.toString()));
    socket.on("close", (code) => this.#end(`the socket was closed with ${code}`));
    socket.on("error", (error) => this.#end(error.message));
    socket.on("unexpected-response", (_request, response) => {
      let text = "";
      response.on("data", (chunk: Buffer) => (text += chunk.toString()));
      response.on("end", () =>
        this.#end(
          `the upgrade was answered with ${response.statusCode}: ${text.slice(0, MAX_REFUSAL)}`,
        ),
      );
    });
  }

  #take(text: string): void {
    if (text === "pong") {
      this.#ms.pong = performance.now() - this.#pingMs;
      return this.#end(null);
    }
    const frame = readFrame(text);
    if (frame === null) return this.#end("a frame is none of the protocol");
    if (frame.op === "hello") return this.#greet(frame);
    if (frame.op === "error") return this.#end(`error ${frame.code}: ${frame.msg}`);
    if (frame.op !== "ack" || frame.id !== SUB_ID) return;
    const [rejected] = frame.rejected;
    if (rejected !== undefined)
      return this.#end(`${rejected.symbol} was rejected with code ${rejected.code}`);
    this.#done("subscribed");
    this.#pingMs = performance.now();
    this.#socket?.send("ping");
  }

  #greet({ market }: Extract<ServerFrame, { op: "hello" }>): void {
    this.#done("hello");
    this.#market = { state: market.state, nextDataByMs: market.next_data_by };
    const sub = { op: "sub", id: SUB_ID, ch: ["bars.1m"], symbols: [this.#target.symbol] };
    this.#socket?.send(JSON.stringify(sub));
  }

  #done(step: ProbeStep): void {
    this.#ms[step] = performance.now() - this.#startMs;
  }

  #overdue(): string {
    const waitedFor = PROBE_STEPS.find((step) => this.#ms[step] === undefined) ?? "pong";
    return `${waitedFor} did not come within ${this.#target.timeoutMs} ms`;
  }

  /** The first end counts; what the socket says while it goes is of no interest. */
  #end(failure: string | null): void {
    clearTimeout(this.#deadline);
    this.#resolve({ ok: failure === null, ms: this.#ms, market: this.#market, failure });
    if (failure === null) this.#socket?.close(NORMAL_CLOSURE);
    else this.#socket?.terminate();
  }
}

function readFrame(text: string): ServerFrame | null {
  try {
    return serverFrameSchema.parse(JSON.parse(text));
  } catch {
    return null;
  }
}
