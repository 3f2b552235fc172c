import type { DurableObjectStorage } from "@cloudflare/workers-types";
import { fromQuoteRow, type QuoteRow, toQuoteRow } from "../contracts/quote-row.ts";
import type { QuotesParcel } from "../contracts/quotes.ts";
import { asOfNow, judgeQuote, type QuoteVerdict } from "../domain/quote-check.ts";
import type { Roster } from "../domain/roster.ts";
import type { EpochMs } from "../domain/time.ts";
import type { QuoteSnapshot } from "../stream/home-port.ts";
import { LatestQuotes } from "./latest-quotes.ts";
import { StreamLog } from "./stream-log.ts";

/** How long the log of quotes may be. */
export interface QuoteLogBounds {
  /** Drained flushes that stay for followers that missed a delivery. */
  readonly kept: number;
  /** Flushes that wait for Postgres at most; the oldest are dropped for more. */
  readonly undrained: number;
}

/** Five minutes of sweeps, and a session of them. */
const BOUNDS: QuoteLogBounds = { kept: 20, undrained: 1_600 };

/** What a quote book needs: the object's storage, and sources of time and chance. */
export interface QuoteBookDeps {
  readonly storage: DurableObjectStorage;
  readonly group: number;
  readonly now: () => EpochMs;
  readonly random: () => number;
  readonly bounds?: QuoteLogBounds;
}

/** What an ingest of quotes did. */
export interface QuotesIngested {
  readonly appended: 0 | 1;
  readonly verdicts: Readonly<Record<QuoteVerdict, number>>;
  /** Flushes that were dropped although Postgres never got them. */
  readonly dropped: number;
}

/**
 * The quotes of a symbol group: the last one of each symbol, and the stream of class `quotes` in which
 * changes go out. Latest-value: a quote that says nothing new makes no row, an ingest makes one flush
 * at most, and the log is short. While Postgres is away its oldest flushes are dropped at a bound, and
 * counted: history has a hole there, the last quotes have not.
 */
export class QuoteBook {
  readonly stream: StreamLog;
  #storage: DurableObjectStorage;
  #latest: LatestQuotes;
  #now: () => EpochMs;
  #bounds: QuoteLogBounds;

  constructor(deps: QuoteBookDeps) {
    const { sql } = deps.storage;
    this.#storage = deps.storage;
    this.stream = new StreamLog({ ...deps, sql, class: "quotes" });
    this.#latest = new LatestQuotes(sql);
    this.#now = deps.now;
    this.#bounds = deps.bounds ?? BOUNDS;
  }

  /** The last quote of each symbol that has one, as it stands for the market of now. */
  snapshot(): QuoteSnapshot {
    const { fs, asOf: at } = this.stream.head();
    const nowMs = this.#now();
    const quotes = this.#latest.all().map(({ row, asOf }) => {
      return { quote: asOfNow(fromQuoteRow(row), nowMs), status: row[14], asOf };
    });
    return { epoch: this.stream.epoch(), fs, at, quotes };
  }

  /** Takes in quotes of active members: those that are news, in one flush. */
  ingest(parcel: QuotesParcel, roster: Roster): QuotesIngested {
    const verdicts = { first: 0, updated: 0, same: 0, stale: 0 };
    const news = new Map<string, QuoteRow>();
    for (const quote of parcel.quotes) {
      const slot = roster.slotOf(quote.symbol);
      if (slot === undefined || roster.members[slot]?.active !== true) continue;
      const before = news.get(quote.symbol) ?? this.#latest.get(quote.symbol)?.row;
      const verdict = judgeQuote(before === undefined ? undefined : fromQuoteRow(before), quote);
      verdicts[verdict] += 1;
      if (verdict === "first" || verdict === "updated")
        news.set(quote.symbol, toQuoteRow(quote, verdict));
    }
    if (news.size === 0) return { appended: 0, verdicts, dropped: 0 };
    const rows = [...news.values()];
    const { written, dropped } = this.#storage.transactionSync(() => this.#append(rows, parcel));
    this.#latest.take(written);
    return { appended: 1, verdicts, dropped };
  }

  #append(rows: QuoteRow[], { receivedAt }: QuotesParcel) {
    const flush = this.stream.append({
      received_at: receivedAt,
      rows: [],
      daily: [],
      gaps: [],
      source: [],
      man: [],
      quotes: rows,
      watermark: null,
      watermark_1d: null,
      next: null,
    });
    const written = this.#latest.write(rows, flush.as_of);
    return { written, dropped: this.#trim(flush.fs) };
  }

  /** Keeps the log short; answers how many flushes went that Postgres never got. */
  #trim(headFs: number): number {
    const drainedFs = this.stream.drainedFs();
    const boundFs = headFs - this.#bounds.undrained;
    const oldestFs = this.stream.log.oldest()?.fs ?? headFs;
    this.stream.log.dropUpTo(Math.max(boundFs, Math.min(drainedFs, headFs - this.#bounds.kept)));
    return Math.max(0, boundFs - Math.max(drainedFs, oldestFs - 1));
  }
}
