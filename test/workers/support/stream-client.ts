import {
  type FlushFrame,
  type ServerFrame,
  serverFrameSchema,
} from "../../../src/contracts/stream.ts";

type Frame = ServerFrame;
type FrameOf<Op extends Frame["op"]> = Extract<Frame, { op: Op }>;

/** A client of the stream that keeps every frame, and the text it came in. */
export class StreamClient {
  readonly socket: WebSocket;
  readonly frames: Frame[] = [];
  readonly texts: string[] = [];
  /** Frames that are not what the protocol says. */
  readonly broken: string[] = [];
  pongs = 0;
  closed: { code: number } | null = null;
  #wakers: (() => void)[] = [];
  #nextId = 1_000_000;

  constructor(socket: WebSocket) {
    this.socket = socket;
    socket.addEventListener("message", (event) => this.#take(String(event.data)));
    socket.addEventListener("close", (event) => {
      this.closed = { code: event.code };
      this.#wake();
    });
    socket.accept();
  }

  send(frame: unknown): void {
    this.socket.send(typeof frame === "string" ? frame : JSON.stringify(frame));
  }

  /** Sends a request under an id of its own; resolves with the `ack` or `error` that answers it. */
  async ask(frame: Readonly<Record<string, unknown>>): Promise<FrameOf<"ack"> | FrameOf<"error">> {
    const id = (this.#nextId += 1);
    this.send({ ...frame, id });
    return await this.find((answer) =>
      (answer.op === "ack" || answer.op === "error") && answer.id === id ? answer : null,
    );
  }

  /** Subscribes to bars; throws unless it is acknowledged. */
  async subscribe(
    symbols: readonly string[],
    more: Readonly<Record<string, unknown>> = {},
  ): Promise<FrameOf<"ack">> {
    const answer = await this.ask({ op: "sub", ch: ["bars.1m"], symbols, ...more });
    if (answer.op !== "ack") throw new Error(`refused: ${answer.code} ${answer.msg}`);
    return answer;
  }

  /** Subscribes to quotes; throws unless it is acknowledged. */
  async subscribeQuotes(
    symbols: readonly string[],
    more: Readonly<Record<string, unknown>> = {},
  ): Promise<FrameOf<"ack">> {
    return await this.subscribe(symbols, { ch: ["quotes"], ...more });
  }

  /** Whatever the host had to send before now has arrived when this resolves. */
  async settled(): Promise<void> {
    await this.ask({ op: "unsub", ch: ["bars.1m"], symbols: ["NONE.SUCH"] });
  }

  /** The first frame, now or later, that `pick` makes something of. Rejects when the socket closes. */
  async find<T>(pick: (frame: Frame) => T | null): Promise<T> {
    for (let at = 0; ; at += 1) {
      while (at >= this.frames.length) {
        this.#expectMore();
        await new Promise<void>((resolve) => this.#wakers.push(resolve));
      }
      const frame = this.frames[at];
      const picked = frame === undefined ? null : pick(frame);
      if (picked !== null) return picked;
    }
  }

  /** Resolves when `done` holds; it is asked again after each message. */
  async until(done: () => boolean): Promise<void> {
    while (!done()) {
      this.#expectMore();
      await new Promise<void>((resolve) => this.#wakers.push(resolve));
    }
  }

  /** Resolves with the code when the socket is closed by the other side. */
  async closing(): Promise<number> {
    while (this.closed === null) await new Promise<void>((resolve) => this.#wakers.push(resolve));
    return this.closed.code;
  }

  /** Flush frames of a stream in the order they came, out of their batches too. */
  flushes(stream?: string): FlushFrame[] {
    const all = this.frames.flatMap(flushesIn);
    return stream === undefined ? all : all.filter((flush) => flush.g === stream);
  }

  of<Op extends Frame["op"]>(op: Op): FrameOf<Op>[] {
    return this.frames.filter((frame): frame is FrameOf<Op> => frame.op === op);
  }

  #expectMore(): void {
    if (this.closed !== null) throw new Error(`closed ${this.closed.code}`);
    if (this.broken.length > 0) throw new Error(`not a frame of the protocol: ${this.broken[0]}`);
  }

  #take(text: string): void {
    if (text === "pong") this.pongs += 1;
    else {
      this.texts.push(text);
      const parsed = serverFrameSchema.safeParse(JSON.parse(text));
      if (parsed.success) this.frames.push(parsed.data);
      else this.broken.push(text);
    }
    this.#wake();
  }

  #wake(): void {
    const wakers = this.#wakers;
    this.#wakers = [];
    for (const wake of wakers) wake();
  }
}

/** Numbers of flushes, to see holes and duplicates at a glance. */
export function numbers(flushes: readonly FlushFrame[]): number[] {
  return flushes.map((flush) => flush.fs);
}

/** The flushes of a frame: one, those of a batch, or none. */
export function flushesIn(frame: Frame): readonly FlushFrame[] {
  if (frame.op === "batch") return frame.flushes;
  return frame.op === "flush" ? [frame] : [];
}
