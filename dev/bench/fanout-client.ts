import type { Socket } from "node:net";
import { WebSocket } from "ws";
import { z } from "zod";
import { type FlushFrame, serverFrameSchema } from "../../src/contracts/stream.ts";

/** A flush as a client counts it. */
interface CountedFlush {
  readonly stream: string;
  readonly epoch: string;
  readonly fs: number;
  readonly bars: number;
}

/** A frame that was read once: most connections get the same bytes, which are only compared then. */
interface ReadFrame {
  readonly bytes: Buffer;
  readonly op: string;
  readonly flushes: readonly CountedFlush[];
}

const MAX_KNOWN_FRAMES = 512;
const opSchema = z.looseObject({ op: z.string() });

/** Reads frames, each distinct one once. Throws on what is not of the protocol. */
export class FrameReader {
  #byLength = new Map<number, ReadFrame[]>();
  #known = 0;
  readonly #onNew: (text: string) => void;

  constructor(onNew: (text: string) => void) {
    this.#onNew = onNew;
  }

  read(bytes: Buffer): ReadFrame {
    const alike = this.#byLength.get(bytes.length) ?? [];
    const known = alike.find((frame) => frame.bytes.equals(bytes));
    if (known !== undefined) return known;
    const text = bytes.toString();
    const json: unknown = JSON.parse(text);
    const { op } = opSchema.parse(json);
    // A bare object greets with a frame of its own.
    const frame = op === "ready" ? null : serverFrameSchema.parse(json);
    const flushes =
      frame?.op === "batch" ? frame.flushes : frame?.op === "flush" ? [frame] : ([] as const);
    const read = { bytes: Buffer.from(bytes), op, flushes: flushes.map(counted) };
    if (flushes.length > 0) this.#onNew(text);
    if (this.#known >= MAX_KNOWN_FRAMES) {
      this.#byLength.clear();
      this.#known = 0;
    }
    this.#known += 1;
    this.#byLength.set(bytes.length, [...(this.#byLength.get(bytes.length) ?? []), read]);
    return read;
  }
}

function counted(flush: FlushFrame): CountedFlush {
  return { stream: flush.g, epoch: flush.e, fs: flush.fs, bars: flush.bars?.rows.length ?? 0 };
}

/** How a connection is opened, and who is told what came. */
export interface FanoutClientOptions {
  readonly url: string;
  readonly key: string | null;
  readonly deflate: boolean;
  readonly until: string;
  readonly reader: FrameReader;
  readonly onFlush: (bars: number) => void;
  readonly onFault: (why: string) => void;
}

/** One connection: it sees that each stream's numbers continue, and that nothing else comes. */
export class FanoutClient {
  #socket: WebSocket;
  #tcp: Socket | null = null;
  #positions = new Map<string, { epoch: string; fs: number }>();
  /** Flushes that came so far. */
  flushes = 0;
  #closing = false;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
  }

  /** Resolves when the frame has come after which it is ready. */
  static async open(options: FanoutClientOptions): Promise<FanoutClient> {
    const { url, key, deflate, until, reader } = options;
    const headers = key === null ? {} : { authorization: `Bearer ${key}` };
    const socket = new WebSocket(url, { perMessageDeflate: deflate, headers });
    const client = new FanoutClient(socket);
    return await new Promise((resolve, reject) => {
      socket.on("upgrade", (response) => (client.#tcp = response.socket));
      socket.on("error", reject);
      socket.on("close", (code) => {
        if (!client.#closing) options.onFault(`a connection was closed with ${code}`);
        reject(new Error(`closed ${code}`));
      });
      socket.on("message", (data) => {
        try {
          const frame = reader.read(asBuffer(data));
          if (frame.op === until) resolve(client);
          for (const flush of frame.flushes) client.#take(flush, options);
        } catch (error) {
          options.onFault(`not a frame: ${error instanceof Error ? error.message : String(error)}`);
        }
      });
    });
  }

  get extensions(): string {
    return this.#socket.extensions;
  }

  get bytesRead(): number {
    return this.#tcp?.bytesRead ?? 0;
  }

  async close(): Promise<void> {
    this.#closing = true;
    const closed = new Promise((resolve) => this.#socket.once("close", resolve));
    this.#socket.close();
    await closed;
  }

  #take(flush: CountedFlush, { onFlush, onFault }: FanoutClientOptions): void {
    const { stream, epoch, fs } = flush;
    const before = this.#positions.get(stream);
    const continues = before === undefined || (before.epoch === epoch && before.fs + 1 === fs);
    if (!continues) onFault(`${stream}: ${fs} came after ${before.fs}`);
    this.#positions.set(stream, { epoch, fs });
    this.flushes += 1;
    onFlush(flush.bars);
  }
}

function asBuffer(data: WebSocket.RawData): Buffer {
  if (Buffer.isBuffer(data)) return data;
  return Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data);
}
