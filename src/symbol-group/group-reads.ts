import { FLUSH_COLUMNS, type FlushRow, parseFlush } from "../contracts/flush.ts";
import { CHANNELS } from "../contracts/stream.ts";
import type { EpochMs } from "../domain/time.ts";
import { flushFrame } from "../stream/frames.ts";
import type { BarSnapshot, LatestBar } from "../stream/home-port.ts";
import type { ReplayPage, ReplayQuery } from "../stream/replay-page.ts";
import {
  NO_SUBSCRIPTION,
  type RosterEntry,
  type Subscription,
  viewOf,
  withSymbols,
} from "../stream/subscription.ts";
import { type Position, streamName } from "../stream/token.ts";
import { LatestBars } from "./latest-bars.ts";
import type { Ledger } from "./ledger.ts";

const latestBar = (row: FlushRow): LatestBar => ({
  symbol: row[0],
  values: row.slice(0, FLUSH_COLUMNS.length),
});

/** What others may read of a group's log; nothing here changes anything. */
export class GroupReads {
  #group: number;
  #ledger: Ledger;
  #latest: LatestBars;

  constructor(group: number, ledger: Ledger) {
    this.#group = group;
    this.#ledger = ledger;
    this.#latest = new LatestBars(ledger.stream);
  }

  roster(): RosterEntry[] {
    return this.#ledger.roster.members.map(({ symbol, sid }) => ({ symbol, sid }));
  }

  /**
   * A page of the stream as wire frames, and whether part of what was asked for has left the log: with a new epoch
   * all before it did, and of a time before the first one nothing is known either.
   */
  replay(query: ReplayQuery): ReplayPage {
    const { stream } = this.#ledger;
    const { log } = stream;
    const { from } = query;
    const epoch = stream.epoch();
    const head = stream.head();
    const oldest = log.oldest();
    const sameEpoch = from.kind === "time" || from.epoch === epoch;
    const afterFs = from.kind === "position" && sameEpoch ? from.fs : 0;
    const page =
      from.kind === "time"
        ? log.readSince(from.sinceMs, query.limit, query.maxBytes)
        : log.readAfter(afterFs, query.limit, query.maxBytes);
    const truncated =
      from.kind === "time"
        ? from.sinceMs < stream.beganAt() ||
          (oldest !== null && oldest.fs > 1 && oldest.asOf > from.sinceMs)
        : !sameEpoch || from.fs > head.fs || (oldest !== null && oldest.fs > afterFs + 1);
    const joinFs = (page.at(-1)?.fs ?? head.fs) + 1;
    const view = viewOf(this.#subscriptionTo(query.symbols), "bars", this.roster());
    const frames = page.map(({ fs, asOf, payload }) => ({
      fs,
      at: asOf,
      text: view === null ? "" : flushFrame(parseFlush(payload), view, true).text,
    }));
    return {
      stream: streamName({ group: this.#group, class: "bars" }),
      epoch,
      frames: view === null ? [] : frames,
      oldestAt: oldest?.asOf ?? null,
      truncated,
      joinFs,
      complete: joinFs > head.fs,
    };
  }

  /** The last bar of each symbol that the log has one of, and where the stream stands with them. */
  latestBars(): BarSnapshot {
    const { stream } = this.#ledger;
    const { minutes, dates } = this.#latest.read();
    const { fs, asOf } = stream.head();
    return {
      epoch: stream.epoch(),
      fs,
      at: asOf,
      minutes: Array.from(minutes.values(), latestBar),
      dates: Array.from(dates.values(), latestBar),
    };
  }

  /** The last flush that was known at a time; null when what came next has left the log. */
  locate(asOf: EpochMs): Position | null {
    const { stream } = this.#ledger;
    const epoch = stream.epoch();
    const head = stream.head();
    if (asOf >= head.asOf) return { epoch, fs: head.fs, at: head.asOf };
    const [next] = stream.log.readSince(asOf, 1, 1);
    const isFirstKnown = next === undefined || next.fs === stream.log.oldest()?.fs;
    return isFirstKnown ? null : { epoch, fs: next.fs - 1, at: asOf };
  }

  /** The last flush that is in Postgres, but none after `maxFs` while `epoch` goes on. */
  drainPoint(epoch: string, maxFs: number): Position {
    const { stream } = this.#ledger;
    const known = stream.epoch();
    const drained = stream.drainedFs();
    const fs = known === epoch ? Math.min(drained, maxFs) : drained;
    return { epoch: known, fs, at: stream.log.asOfOf(fs) ?? this.#knownBehind(fs) };
  }

  /** Up to when everything known is in flushes up to `fs`, which itself has left the log. */
  #knownBehind(fs: number): EpochMs {
    const { stream } = this.#ledger;
    const [next] = stream.log.readAfter(fs, 1, 1);
    return next === undefined ? stream.head().asOf : next.asOf - 1;
  }

  #subscriptionTo(symbols: readonly string[] | null): Subscription {
    if (symbols === null) return withSymbols(NO_SUBSCRIPTION, CHANNELS, "*");
    const wanted = new Set(symbols);
    const members = this.#ledger.roster.members.filter((member) => wanted.has(member.symbol));
    return withSymbols(
      NO_SUBSCRIPTION,
      CHANNELS,
      members.map((member) => member.sid),
    );
  }
}
