import { readBarPages } from "./bar-rows.ts";
import type { BarEvent, GapEvent } from "./events.ts";
import { type PageReading, serviceUrl } from "./read-page.ts";
import type { Selection } from "./selection.ts";

/** Loads that wait; with more of them the consumer counts as lagging. */
const MAX_WAITING_LOADS = 256;
/** Bars of loads that are remembered, so that overlapping loads bring each revision once. */
const MAX_REMEMBERED = 50_000;
const ROUTES: ReadonlySet<string> = new Set(["/v1/bars", "/v1/bars/diff"]);

/** What the loader needs: how to read, what to do with the bars, and whom to tell of a failure. */
export interface HistoryDeps {
  readonly selection: Selection;
  readonly reading: PageReading;
  /** Whether a hand-off has brought what was known then about this stream. */
  readonly wasHanded: (stream: string, asOf: number) => boolean;
  readonly onBars: (stream: string, bars: readonly BarEvent[]) => Promise<void>;
  readonly onFailed: (href: string, reason: string) => void;
}

/** A gap that a history load filled, and the stream that told of it. */
export interface HistoryLoad {
  readonly stream: string;
  readonly href: string;
}

/** The load of a gap event, if it is one: what older history brought stands in no flush. */
export function loadOf(gap: GapEvent, stream: string): HistoryLoad | null {
  return gap.kind === "filled" && gap.href !== null ? { stream, href: gap.href } : null;
}

/** Fetches history loads one after the other, so that they never crowd out the live stream. */
export class HistoryLoader {
  #deps: HistoryDeps;
  #waiting: HistoryLoad[] = [];
  #isRunning = false;
  /** The highest revision by channel, symbol and start; the oldest entry goes first. */
  #remembered = new Map<string, number>();

  constructor(deps: HistoryDeps) {
    this.#deps = deps;
  }

  get isFull(): boolean {
    return this.#waiting.length > MAX_WAITING_LOADS;
  }

  add(load: HistoryLoad): void {
    this.#waiting.push(load);
    if (!this.#isRunning) void this.#run();
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    for (let load = this.#waiting.shift(); load !== undefined; load = this.#waiting.shift()) {
      const { href } = load;
      if (this.#deps.reading.signal.aborted) break;
      await this.#load(load).catch((error: unknown) =>
        this.#deps.onFailed(href, error instanceof Error ? error.message : "failed"),
      );
    }
    this.#isRunning = false;
  }

  async #load({ stream, href }: HistoryLoad): Promise<void> {
    const { reading, selection, wasHanded, onBars } = this.#deps;
    const url = serviceUrl(href, reading.origin);
    if (url === null || !ROUTES.has(url.pathname)) throw new Error("leads elsewhere");
    const channel = url.searchParams.get("interval") === "1d" ? "bars.1d" : "bars.1m";
    for await (const { bars } of readBarPages(url, { channel, via: "history", selection }, reading))
      await onBars(
        stream,
        bars.filter((bar) => !wasHanded(stream, bar.asOf) && this.#isNew(bar)),
      );
  }

  #isNew({ channel, symbol, ts, revision }: BarEvent): boolean {
    const key = `${channel} ${symbol} ${ts}`;
    const known = this.#remembered.get(key);
    if (known !== undefined && known >= revision) return false;
    this.#remembered.delete(key);
    this.#remembered.set(key, revision);
    const [oldest] = this.#remembered.keys();
    if (this.#remembered.size > MAX_REMEMBERED && oldest !== undefined)
      this.#remembered.delete(oldest);
    return true;
  }
}
