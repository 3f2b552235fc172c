import type { FlushFrame, ServerFrame } from "../contracts/stream.ts";
import { ackDueMs, acked, type AckPlan, NOTHING_TO_ACK, tookChars } from "./ack-plan.ts";
import type { ClientClock } from "./client-deps.ts";
import { Duties } from "./duties.ts";
import { Lateness } from "./lateness.ts";
import {
  beat,
  type Heartbeat,
  type Liveness,
  nextBeatMs,
  startLiveness,
  takePong,
} from "./liveness.ts";

/** The answer to a subscription, or the next frame of a replay, comes within this time. */
const ANSWER_TIMEOUT_MS = 30_000;
const MS_PER_S = 1_000;
/** Until the greeting says otherwise; a connection whose greeting was lost must be seen to die, too. */
const FIRST_HEARTBEAT: Heartbeat = { everyMs: 25_000, deadMs: 60_000, text: "ping" };

/** What the upkeep of a connection needs of the client. */
export interface UpkeepDeps {
  readonly clock: ClientClock;
  readonly send: (text: string) => void;
  /** What the consumer has taken, as a resume token; null when it is not to be acknowledged now. */
  readonly token: () => string | null;
  /** The connection is dead. */
  readonly onDead: (reason: string) => void;
  readonly onLate: (late: { readonly streams: readonly string[]; readonly dueMs: number }) => void;
}

/** What a connection needs beside its data: pings, acknowledgements, and an eye on what does not come. */
export class Upkeep {
  #deps: UpkeepDeps;
  #duties: Duties;
  #liveness: Liveness | null = null;
  #lateness = new Lateness();
  #ackPlan: AckPlan = NOTHING_TO_ACK;
  /** What answers a ping. */
  pong = "pong";

  constructor(deps: UpkeepDeps) {
    this.#deps = deps;
    this.#duties = new Duties(deps.clock);
  }

  /** A connection began. */
  begin(): void {
    this.end();
    this.pong = "pong";
    this.#liveness = startLiveness(FIRST_HEARTBEAT, this.#deps.clock.now());
    this.#armBeat();
  }

  /** The connection is gone: nothing of it is due any more. */
  end(): void {
    this.#duties.clear();
    this.#liveness = null;
    this.#ackPlan = NOTHING_TO_ACK;
  }

  greet({ at, hb, market }: Extract<ServerFrame, { op: "hello" }>): void {
    const nowMs = this.#deps.clock.now();
    const [everyMs, deadMs] = [hb.every_s * MS_PER_S, hb.dead_s * MS_PER_S];
    this.pong = hb.expect;
    this.#liveness = startLiveness({ everyMs, deadMs, text: hb.send }, nowMs);
    this.#lateness.greet(at, nowMs, market.next_data_by);
    this.#armBeat();
  }

  takePong(): void {
    if (this.#liveness === null) return;
    this.#liveness = takePong(this.#liveness);
    this.#armBeat();
  }

  /** The consumer took this much. */
  took(chars: number): void {
    this.#ackPlan = tookChars(this.#ackPlan, chars, this.#deps.clock.now());
    this.#duties.set("ack", ackDueMs(this.#ackPlan), () => this.#sendAck());
  }

  /** These streams of bars are followed from now on: data is due as the greeting said. */
  followed(streams: Iterable<string>): void {
    for (const stream of streams) this.#lateness.expectFirst(stream);
    this.#armLate();
  }

  /** A flush came: it says when its stream is due next. */
  noteFlush({ g, next, rp }: FlushFrame): void {
    if (rp === 1) this.#lateness.noteReplayed(g, next);
    else this.#lateness.expect(g, next);
    this.#armLate();
  }

  /** A stream's replay has ended. */
  noteReplayEnd(stream: string): void {
    this.#lateness.endReplay(stream);
    this.#armLate();
  }

  /** Something has to come: `fault` says what it means when it does not. */
  awaitAnswer(fault: string): void {
    const dueMs = this.#deps.clock.now() + ANSWER_TIMEOUT_MS;
    this.#duties.set("answer", dueMs, () => this.#deps.onDead(fault));
  }

  /** What had to come has come. */
  answered(): void {
    this.#duties.set("answer", null, () => {});
  }

  #sendAck(): void {
    const token = this.#deps.token();
    if (token === null) return;
    this.#deps.send(JSON.stringify({ op: "ack", token }));
    this.#ackPlan = acked(this.#deps.clock.now());
  }

  #armBeat(): void {
    if (this.#liveness === null) return;
    this.#duties.set("beat", nextBeatMs(this.#liveness), () => this.#beat());
  }

  #beat(): void {
    if (this.#liveness === null) return;
    const { liveness, action } = beat(this.#liveness, this.#deps.clock.now());
    if (action === "dead") return this.#deps.onDead("no pong came");
    if (action === "ping") this.#deps.send(liveness.heartbeat.text);
    this.#liveness = liveness;
    this.#armBeat();
  }

  #armLate(): void {
    this.#duties.set("late", this.#lateness.nextMs(), () => {
      const late = this.#lateness.takeLate(this.#deps.clock.now());
      if (late !== null) this.#deps.onLate(late);
      this.#armLate();
    });
  }
}
