import { parseFlush } from "../contracts/flush.ts";
import { CHANNELS } from "../contracts/stream.ts";
import { flushFrame } from "../stream/frames.ts";
import type { ReplayPage, ReplayQuery } from "../stream/replay-page.ts";
import {
  NO_SUBSCRIPTION,
  type RosterEntry,
  type Subscription,
  viewOf,
  withSymbols,
} from "../stream/subscription.ts";
import { streamName } from "../stream/token.ts";
import type { Ledger } from "./ledger.ts";

/** What others may read of a group's log; nothing here changes anything. */
export class GroupReads {
  #group: number;
  #ledger: Ledger;

  constructor(group: number, ledger: Ledger) {
    this.#group = group;
    this.#ledger = ledger;
  }

  roster(): RosterEntry[] {
    return this.#ledger.roster.members.map(({ symbol, sid }) => ({ symbol, sid }));
  }

  /** A page of the stream as wire frames, and whether part of what was asked for has left the log. */
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
        ? oldest !== null && oldest.fs > 1 && oldest.asOf > from.sinceMs
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
