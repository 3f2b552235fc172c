import type { SqlStorage } from "@cloudflare/workers-types";
import { type Flush, FLUSH_VERSION, type StreamClass } from "../contracts/flush.ts";
import { createEpoch, epochTime } from "../domain/epoch.ts";
import type { EpochMs } from "../domain/time.ts";
import { FlushLog, type FlushTable } from "./flush-log.ts";
import { MetaStore } from "../platform/meta-store.ts";
import type { LogPosition, StoredPosition } from "./realign.ts";

/** Tables and keys of each stream; those of bars are the older ones and have no prefix. */
const PLACES: Readonly<Record<StreamClass, { table: FlushTable; prefix: string }>> = {
  bars: { table: "flush", prefix: "" },
  quotes: { table: "quote_flush", prefix: "quotes:" },
};

/** What a stream needs: the object's storage, and sources of time and chance. */
export interface StreamLogDeps {
  readonly sql: SqlStorage;
  readonly group: number;
  readonly class: StreamClass;
  readonly now: () => EpochMs;
  readonly random: () => number;
}

/** What is in a flush before it has its name and knowledge time. */
export type FlushContent = Omit<Flush, "v" | "group" | "class" | "epoch" | "fs" | "as_of">;

/**
 * One stream of a group: its epoch, its numbered log, and how far that is drained. Synchronous
 * throughout, so nothing can come between reading the head and appending behind it.
 */
export class StreamLog {
  readonly class: StreamClass;
  readonly log: FlushLog;
  /** Small facts of this stream alone. */
  readonly meta: MetaStore;
  #deps: StreamLogDeps;

  constructor(deps: StreamLogDeps) {
    const { table, prefix } = PLACES[deps.class];
    this.#deps = deps;
    this.class = deps.class;
    this.log = new FlushLog(deps.sql, table);
    this.meta = new MetaStore(deps.sql, prefix);
  }

  /** The stream's epoch; made at the first use of a new object. */
  epoch(): string {
    const known = this.meta.get("epoch");
    if (known !== null) return known;
    const epoch = createEpoch(this.#deps.now(), this.#deps.random);
    this.meta.set("epoch", epoch);
    return epoch;
  }

  /** The knowledge time after which everything known is of this epoch: what came before has left the log. */
  beganAt(): EpochMs {
    return this.meta.getNumber("began_as_of") ?? epochTime(this.epoch());
  }

  head(): { fs: number; asOf: EpochMs } {
    const last = this.log.head();
    const asOf = this.meta.getNumber("as_of") ?? 0;
    return { fs: last?.fs ?? this.drainedFs(), asOf: Math.max(last?.asOf ?? 0, asOf) };
  }

  drainedFs(): number {
    return this.meta.getNumber("drained_fs") ?? 0;
  }

  /** The mark goes back only when Postgres was set back: what the log still holds is sent again. */
  setDrained(fs: number): void {
    this.meta.set("drained_fs", fs);
  }

  /** Where the log stands, for whoever compares it with Postgres. */
  position(): LogPosition {
    return {
      epoch: this.epoch(),
      drainedFs: this.drainedFs(),
      headFs: this.head().fs,
      oldestFs: this.log.oldest()?.fs ?? null,
      asOfMsOf: (fs) => this.log.asOfOf(fs),
      mayMiss: this.class === "quotes",
    };
  }

  /**
   * Begins a new epoch, later than its own and than the one that Postgres knows. The log begins anew at
   * flush 1; knowledge time goes on above everything that either of them has promised.
   */
  renew(stored: StoredPosition | null): void {
    const { now, random } = this.#deps;
    const { fs, asOf } = this.head();
    const before = [this.epoch(), stored?.epoch ?? ""].toSorted().at(-1) ?? "";
    const epoch = createEpoch(Math.max(now(), epochTime(before) + 1), random);
    this.log.dropUpTo(fs);
    const beganAt = Math.max(asOf, stored?.asOfMs ?? 0);
    this.meta.set("as_of", beganAt);
    this.meta.set("began_as_of", beganAt);
    this.meta.set("drained_fs", 0);
    this.meta.set("epoch", epoch);
  }

  /** What is not in Postgres yet. */
  backlog(): { flushes: number; bytes: number; oldestAsOf: EpochMs | null } {
    return this.log.backlog(this.drainedFs());
  }

  /** Promises that no later flush will carry a knowledge time at or below `asOf`. */
  raiseAsOf(asOf: EpochMs): EpochMs {
    const raised = Math.max(asOf, this.head().asOf);
    this.meta.set("as_of", raised);
    return raised;
  }

  /** Appends the next flush: with the next number, and a knowledge time above all before it. */
  append(content: FlushContent): Flush {
    const head = this.head();
    const flush: Flush = {
      v: FLUSH_VERSION,
      group: this.#deps.group,
      class: this.class,
      epoch: this.epoch(),
      fs: head.fs + 1,
      as_of: Math.max(this.#deps.now(), head.asOf + 1),
      ...content,
    };
    this.log.append(flush);
    return flush;
  }
}
