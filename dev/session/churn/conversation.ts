import { groupOf } from "../../../src/domain/symbol.ts";
import type { Handoff, ResumeResult, ServerFrame } from "../../../src/contracts/stream.ts";
import { formatToken, parseToken, type Position, streamName } from "../../../src/stream/token.ts";
import { isBars } from "./client-book.ts";
import type { ConversationDeps } from "./conversation-deps.ts";
import type { ReadFlush } from "./frame-reader.ts";
import { isDiff } from "../handoff.ts";
import { followOffer } from "./follow-offer.ts";
import { ReplayCheck } from "./replay-check.ts";
import type { Choice, Want } from "./wants.ts";

type Frame<Op extends ServerFrame["op"]> = Extract<ServerFrame, { op: Op }>;

/** A request that waits for its answer: what is wanted of its class from then on. */
interface Request {
  readonly isBars: boolean;
  readonly choice: Choice;
  /** Where the streams of this class stood in the token that went with it. */
  readonly resumed: ReadonlyMap<string, Position>;
}

/** A hand-off: its fetch, and of a resume the replay that joins it. Live flushes wait. */
interface Handover {
  readonly held: ReadFlush[];
  isFetched: boolean;
  awaitsTrailer: boolean;
  /** Counts it, once it is complete. */
  readonly complete: () => void;
}

/**
 * One connection's part of the protocol: subscribes, resumes, verifies every replay, follows every hand-off, and
 * enters what comes into the client's book. It knows no socket; `end` is told when that is gone.
 */
export class Conversation {
  #deps: ConversationDeps;
  #lastId = 0;
  #requests = new Map<number, Request>();
  #replays = new Map<string, ReplayCheck>();
  #handovers = new Map<string, Handover>();
  /** Streams of quotes whose last values are to come; true: of a resume. */
  #snapshots = new Map<string, boolean>();
  #replayedChars = 0;
  #isOver = false;
  #isIn = false;

  constructor(deps: ConversationDeps) {
    this.#deps = deps;
  }

  /** Everything that was asked for has been answered, and every resume has come to its end. */
  get isSettled(): boolean {
    const open = [this.#requests, this.#replays, this.#handovers, this.#snapshots];
    return this.#isIn && !this.#isOver && open.every((map) => map.size === 0);
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** The socket is open: asks for everything, each stream from where the book has it. */
  begin({ bars, quotes }: Want): void {
    const positions = [...this.#deps.book.positions];
    this.#ask("sub", true, bars, bars, new Map(positions.filter(([name]) => isBars(name))));
    if (quotes.length > 0)
      this.#ask("sub", false, quotes, quotes, new Map(positions.filter(([name]) => !isBars(name))));
  }

  /** Gives symbols of bars up and takes others; only when settled. */
  change(before: Want, after: Want): void {
    const [from, to] = [before.bars, after.bars];
    if (from === "*" || to === "*") return;
    const [had, has] = [new Set(from), new Set(to)];
    const removed = from.filter((symbol) => !has.has(symbol));
    const added = to.filter((symbol) => !had.has(symbol));
    const kept = from.filter((symbol) => has.has(symbol));
    if (removed.length > 0) this.#ask("unsub", true, removed, kept, new Map());
    if (added.length > 0) this.#ask("sub", true, added, to, new Map());
    this.#deps.tally.changes += 1;
  }

  receive(text: string): void {
    if (this.#isOver) return;
    const frame = this.#deps.reader.frame(text);
    if ("flushes" in frame) {
      for (const { flush, text: own } of frame.flushes) this.#flush(flush, own);
      return;
    }
    const { other } = frame;
    switch (other.op) {
      case "hello":
      // Told only to who asked to be measured by acks.
      case "slow":
        return;
      case "ack":
        return this.#acked(other);
      case "caught_up":
        return this.#caughtUp(other);
      case "snapshot":
        return this.#snapshot(other);
      case "epoch":
        return this.#newEpoch(other);
      case "error":
        if (!other.temporary) return this.#deps.fault(`${other.code} ${other.msg}`);
        this.#deps.tally.refused += 1;
        this.#deps.giveUp();
    }
  }

  /** The socket is gone: what was under way is resumed by the next one. */
  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const unanswered = [...this.#requests.values()].flatMap(({ resumed }) => [...resumed.keys()]);
    const resumed = [...this.#snapshots].filter(([, isResume]) => isResume).map(([name]) => name);
    const open = [...unanswered, ...this.#replays.keys(), ...this.#handovers.keys(), ...resumed];
    this.#deps.tally.interrupted += new Set(open).size;
  }

  #ask(
    op: "sub" | "unsub",
    ofBars: boolean,
    symbols: Choice,
    choice: Choice,
    resumed: ReadonlyMap<string, Position>,
  ): void {
    this.#lastId += 1;
    this.#requests.set(this.#lastId, { isBars: ofBars, choice, resumed });
    const snapshot = op === "sub" && !ofBars ? { from: "snapshot" } : {};
    this.#deps.send(
      JSON.stringify({
        op,
        id: this.#lastId,
        ch: [ofBars ? "bars.1m" : "quotes"],
        symbols: symbols === "*" ? ["*"] : symbols,
        ...(resumed.size > 0 ? { resume: formatToken(resumed) } : snapshot),
      }),
    );
  }

  #acked(frame: Frame<"ack">): void {
    const request = this.#requests.get(Number(frame.id));
    const server = parseToken(frame.token);
    if (request === undefined || server === null)
      return this.#deps.fault(`an answer to ${frame.id ?? "nothing"} with token ${frame.token}`);
    this.#requests.delete(Number(frame.id));
    this.#isIn = true;
    const { book, fault } = this.#deps;
    if (frame.rejected.length > 0)
      fault(`${frame.rejected.length} symbols were rejected, ${frame.rejected[0]?.symbol ?? ""}`);
    for (const stream of this.#streamsOf(request)) {
      if (!server.has(stream)) fault(`${stream} is not followed`);
    }
    const results = new Map((frame.resume ?? []).map((result) => [result.g, result]));
    for (const stream of [...book.positions.keys()].filter(
      (name) => isBars(name) === request.isBars,
    ))
      if (!server.has(stream)) book.leave(stream);
    if (request.isBars) book.choose(request.choice);
    for (const [stream, at] of server) {
      if (isBars(stream) === request.isBars) this.#follow(stream, at, request, results.get(stream));
    }
  }

  /** A stream of an answer: it is new, goes on as it was, or is resumed. */
  #follow(stream: string, at: Position, request: Request, result: ResumeResult | undefined): void {
    const { book, tally, fault } = this.#deps;
    const mine = book.positions.get(stream);
    if (mine === undefined) {
      book.start(stream, at, request.choice);
      const asked = !request.isBars && request.resumed.size === 0;
      if (asked) this.#snapshots.set(stream, false);
      return;
    }
    if (result === undefined) {
      if (request.resumed.has(stream)) {
        tally.unproven += 1;
        fault(`the resume of ${stream} was not answered`);
      } else if (request.isBars && (mine.epoch !== at.epoch || mine.fs !== at.fs))
        fault(`${stream} is at ${at.fs} by the answer, at ${mine.fs} by what came`);
    } else if (!request.isBars) {
      if (result.snapshot === true) this.#snapshots.set(stream, true);
      else fault(`${stream} was resumed without its last quotes`);
    } else if (result.recovered) {
      if (result.from !== mine.fs + 1)
        fault(`${stream} goes on from ${result.from ?? "nowhere"} after ${mine.fs}`);
      this.#replays.set(stream, new ReplayCheck(mine.fs + 1, result.to ?? null));
    } else if (result.handoff === undefined) {
      tally.unproven += 1;
      fault(`${stream} was neither recovered nor handed off, code ${result.code ?? "none"}`);
    } else {
      const { handoff } = result;
      // Behind a diff the socket replays; of what HTTP replays it brings nothing, and says so.
      const end = isDiff(handoff.url) ? null : handoff.join_fs - 1;
      this.#replays.set(stream, new ReplayCheck(handoff.join_fs, end));
      this.#handOver(stream, at, request.choice, handoff);
    }
  }

  /** Follows an offer; a replay of the stream that is under way belongs to it. */
  #handOver(stream: string, server: Position, choice: Choice, offer: Handoff): void {
    const { tally, fault } = this.#deps;
    const followed = followOffer(this.#deps, {
      stream,
      choice,
      offer,
      epoch: server.epoch,
      otherChars: () => this.#replayedChars,
      isOver: () => this.#isOver,
    });
    const handover: Handover = {
      held: [],
      isFetched: false,
      awaitsTrailer: this.#replays.has(stream),
      complete: followed.count,
    };
    this.#handovers.set(stream, handover);
    void followed.fetched.then(
      () => {
        if (this.#isOver) return;
        handover.isFetched = true;
        this.#join(stream, handover);
      },
      (error: unknown) => {
        if (this.#isOver) return;
        tally.unproven += 1;
        fault(`the hand-off of ${stream} failed: ${String(error)}`);
        this.#handovers.delete(stream);
        for (const flush of handover.held) this.#deps.book.take(flush);
      },
    );
  }

  /** Takes what waited for a hand-off; it is complete when a replay that joins it has been verified, too. */
  #join(stream: string, handover: Handover): void {
    if (!handover.isFetched || handover.awaitsTrailer) return;
    this.#handovers.delete(stream);
    for (const flush of handover.held) this.#deps.book.take(flush);
    handover.complete();
  }

  #flush(flush: ReadFlush, text: string): void {
    if (flush.isReplayed) {
      const replay = this.#replays.get(flush.g);
      if (replay === undefined) this.#deps.fault(`${flush.g} ${flush.fs} was replayed unasked`);
      else replay.add(flush, text);
    }
    const handover = this.#handovers.get(flush.g);
    if (handover === undefined) this.#deps.book.take(flush);
    else handover.held.push(flush);
  }

  #caughtUp(frame: Frame<"caught_up">): void {
    const { tally, fault } = this.#deps;
    const replay = this.#replays.get(frame.g);
    if (replay === undefined) return fault(`${frame.g} has caught up unasked`);
    this.#replays.delete(frame.g);
    const wrong = replay.fault(frame);
    if (wrong !== null) fault(`the replay of ${frame.g} is not trusted: ${wrong}`);
    const handover = this.#handovers.get(frame.g);
    if (wrong !== null) tally.unproven += 1;
    else if (handover === undefined) {
      tally.recovered += 1;
      this.#replayedChars += replay.chars;
    }
    if (handover === undefined) return;
    handover.awaitsTrailer = false;
    this.#join(frame.g, handover);
  }

  #snapshot(frame: Frame<"snapshot">): void {
    if (this.#snapshots.get(frame.g) === true) this.#deps.tally.snapshots += 1;
    this.#snapshots.delete(frame.g);
    this.#deps.book.jump(frame.g, { epoch: frame.e, fs: frame.fs, at: frame.at });
  }

  /** The stream began anew; what was known of it before stays known. */
  #newEpoch({ g, e, fs, handoff }: Frame<"epoch">): void {
    const { book, tally } = this.#deps;
    const before = book.positions.get(g);
    if (before === undefined) return this.#deps.fault(`an epoch of ${g}, which is not followed`);
    tally.epochs += 1;
    const position = { epoch: e, fs, at: before.at };
    if (handoff === undefined) return book.jump(g, position);
    this.#handOver(g, position, book.choiceOf(g), handoff);
  }

  #streamsOf({ isBars: ofBars, choice }: Request): string[] {
    const { symbolGroups } = this.#deps;
    const groups =
      choice === "*"
        ? Array.from({ length: symbolGroups }, (_, group) => group)
        : [...new Set(choice.map((symbol) => groupOf(symbol, symbolGroups)))];
    return groups.map((group) => streamName({ group, class: ofBars ? "bars" : "quotes" }));
  }
}
