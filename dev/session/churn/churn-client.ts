import { setTimeout as delay } from "node:timers/promises";
import { type Handoff, followHandoff, type HandoffPart } from "../handoff.ts";
import { ClientBook } from "./client-book.ts";
import { Conversation } from "./conversation.ts";
import type { ConversationDeps } from "./conversation-deps.ts";
import { Link } from "./link.ts";
import type { Want } from "./wants.ts";

/** Back-off of a client that is not let in, wall time: full jitter. */
const BACKOFF_MS = 250;
const MAX_BACKOFF_MS = 2_000;
/** A runtime that is being restarted on a slow machine is back by then. */
const GIVE_UP_AFTER_MS = 180_000;
/** From here on a close code says: do not come back. */
const FIRST_FINAL_CODE = 4_500;
/** A request that fails may be the first to notice that the connection's service is gone. */
const GRACE_MS = 3_000;

/** Why sockets ended: by the client's plan, by the service, or without a word. */
export interface DropCounts {
  closed: number;
  cut: number;
  /** Of those that nobody here asked for, by close code. */
  readonly others: Map<number, number>;
}

/** What all clients of a run share, and how each of them reaches the service. */
export interface ChurnShared extends Pick<
  ConversationDeps,
  "rows" | "reader" | "tally" | "symbolGroups" | "hasLeftLog"
> {
  readonly serviceUrl: () => string;
  readonly key: string;
  readonly drops: DropCounts;
  /** Runs some hand-offs at a time, so that many clients do not hold as many answers in memory. */
  readonly inTurn: <T>(act: () => Promise<T>) => Promise<T>;
}

/** A client that leaves and comes back as it is told, and by itself when its connection ends otherwise. */
export class ChurnClient {
  readonly book = new ClientBook();
  readonly name: string;
  want: Want;
  #shared: ChurnShared;
  #isWanted = false;
  #isGivenUp = false;
  /** The present link ends because this client said so. */
  #isLeaving = false;
  #link: Link | null = null;
  #conversation: Conversation | null = null;
  #failures = 0;
  #outSinceMs = 0;

  constructor(name: string, want: Want, shared: ChurnShared) {
    this.name = name;
    this.want = want;
    this.#shared = shared;
  }

  /** It is away, as it should be, or here with everything answered and every resume at its end. */
  get isSettled(): boolean {
    if (this.#isGivenUp) return true;
    return this.#isWanted ? (this.#conversation?.isSettled ?? false) : this.#link === null;
  }

  /** Connects, and stays until it is told to leave. */
  come(): void {
    if (this.#isWanted || this.#isGivenUp) return;
    this.#isWanted = true;
    this.#outSinceMs = performance.now();
    if (this.#link === null) this.#connect();
  }

  leave(how: "close" | "cut"): void {
    if (!this.#isWanted) return;
    this.#isWanted = false;
    const link = this.#link;
    if (link === null) return;
    this.#isLeaving = true;
    this.#shared.drops[how === "cut" ? "cut" : "closed"] += 1;
    if (how === "close") return link.close();
    // What was on its way is lost to it, as on a network that is gone.
    this.#conversation?.end();
    link.cut();
  }

  /** Wants other symbols from now on. While a resume is under way it would not be known which it is of. */
  change(want: Want): void {
    const before = this.want;
    if (this.#isWanted && this.#conversation !== null && !this.#conversation.isSettled) return;
    this.want = want;
    if (this.#isWanted) this.#conversation?.change(before, want);
    else this.#shared.tally.changes += 1;
  }

  /** Pings when it is time to. */
  beat(nowMs: number): void {
    this.#link?.beat(nowMs);
  }

  #connect(): void {
    const { key, serviceUrl } = this.#shared;
    const link: Link = new Link(serviceUrl(), key, {
      onOpen: () => this.#open(link),
      onText: (text) => this.#read(text),
      onClose: (code) => this.#closed(code),
    });
    this.#link = link;
    this.#isLeaving = false;
  }

  #open(link: Link): void {
    if (!this.#isWanted) return link.close();
    const { rows, reader, tally, symbolGroups, hasLeftLog } = this.#shared;
    const conversation = new Conversation({
      book: this.book,
      rows,
      reader,
      tally,
      symbolGroups,
      hasLeftLog,
      send: (text) => link.send(text),
      follow: (offer, choice) =>
        this.#follow(link, {
          baseUrl: this.#shared.serviceUrl(),
          key: this.#shared.key,
          url: offer.url,
          joinFs: offer.join_fs,
          symbols: choice === "*" ? ["*"] : choice,
        }),
      giveUp: () => link.close(),
      fault: (text) => this.#fault(text),
    });
    this.#conversation = conversation;
    conversation.begin(this.want);
  }

  #read(text: string): void {
    try {
      this.#conversation?.receive(text);
    } catch (error) {
      this.#fault(`a frame could not be read: ${String(error).slice(0, 300)}`);
    }
    if (this.#failures > 0 && this.#conversation?.isSettled === true) this.#failures = 0;
  }

  #closed(code: number): void {
    const wasIn = this.#conversation !== null;
    this.#conversation?.end();
    this.#conversation = null;
    if (!this.#isWanted) {
      this.#link = null;
      return;
    }
    if (this.#isLeaving) return this.#connect();
    if (wasIn) {
      const { others } = this.#shared.drops;
      others.set(code, (others.get(code) ?? 0) + 1);
      if (this.#failures === 0) this.#outSinceMs = performance.now();
    }
    this.#failures += 1;
    if (code >= FIRST_FINAL_CODE && code < 5_000)
      return this.#end(`was closed for good with ${code}`);
    if (performance.now() - this.#outSinceMs > GIVE_UP_AFTER_MS)
      return this.#end("was not let in again");
    void this.#connectLater();
  }

  async #connectLater(): Promise<void> {
    const most = Math.min(MAX_BACKOFF_MS, BACKOFF_MS * 2 ** Math.min(this.#failures, 10));
    await delay(Math.random() * most);
    if (this.#isWanted) this.#connect();
    else this.#link = null;
  }

  #end(text: string): void {
    this.#link = null;
    this.#isGivenUp = true;
    this.#fault(text);
  }

  async *#follow(link: Link, handoff: Handoff): AsyncGenerator<HandoffPart> {
    const parts = followHandoff(handoff);
    for (;;) {
      const part = await this.#shared
        .inTurn(() => parts.next())
        .catch(async (error: unknown) => {
          await Promise.race([link.closed, delay(GRACE_MS)]);
          throw error;
        });
      if (part.done === true) return;
      yield part.value;
    }
  }

  #fault(text: string): void {
    this.#shared.tally.fault(`${this.name}: ${text}`);
  }
}
