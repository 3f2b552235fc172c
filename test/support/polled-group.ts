import { versionsOf } from "../../dev/market/truth.ts";
import type { GroupFetch } from "../../src/contracts/group-fetch.ts";
import type { PollOutcome } from "../../src/contracts/ingest.ts";
import type { ProviderId } from "../../src/domain/provider-id.ts";
import { runBarsJob } from "../../src/ingest/run-job.ts";
import { MetricTotals } from "../../src/platform/metric-totals.ts";
import { createAlpaca } from "../../src/providers/alpaca/index.ts";
import { createHttpGet } from "../../src/providers/http-get.ts";
import { createPolygon } from "../../src/providers/polygon/index.ts";
import type { Provider } from "../../src/providers/provider.ts";
import { hasCapability } from "../../src/providers/provider.ts";
import { countIngest } from "../../src/symbol-group/group-metrics.ts";
import { CALENDAR, member, MINUTE_MS, NaiveGroup } from "./naive-group.ts";
import { PureBreakers } from "./pure-breakers.ts";
import { KEYS, type RunningSandbox } from "./running-sandbox.ts";

/** What a polled group is made of: who is asked first and next, about whom, from which minute on. */
export interface PolledGroupOptions {
  readonly sandbox: RunningSandbox;
  readonly policy: readonly ProviderId[];
  readonly symbols: readonly string[];
  /** What each of them trades a minute. */
  readonly rates: readonly number[];
  readonly startMs: number;
  readonly timeoutMs: number;
}

const POLL_OFFSET_MS = 3_000;
const OVERLAP_MINUTES = 3;

/**
 * A group over the real adapters, jobs, breakers and classifier, against a running sandbox, without
 * objects: a test polls it minute by minute.
 */
export class PolledGroup {
  readonly breakers: PureBreakers;
  readonly totals = new MetricTotals();
  readonly outcomes: PollOutcome[] = [];
  nowMs: number;
  #options: PolledGroupOptions;
  #group: NaiveGroup;
  #rows: { symbol: string; ts: number; provider: ProviderId; values: readonly unknown[] }[] = [];

  constructor(options: PolledGroupOptions) {
    this.#options = options;
    this.nowMs = options.startMs;
    this.breakers = new PureBreakers(() => this.nowMs);
    this.#group = new NaiveGroup(
      options.symbols.map((symbol, slot) => member(slot, symbol, { sinceMs: options.startMs })),
      options.startMs,
    );
  }

  /** The same group anew, with one member more. */
  withSymbol(symbol: string): PolledGroup {
    const { symbols, rates } = this.#options;
    return new PolledGroup({
      ...this.#options,
      symbols: [...symbols, symbol],
      rates: [...rates, 0],
    });
  }

  /** Polls as after the end of the next minute. */
  async poll(): Promise<PollOutcome> {
    const endMs = Math.floor(this.nowMs / MINUTE_MS) * MINUTE_MS + MINUTE_MS;
    this.nowMs = endMs + POLL_OFFSET_MS;
    const startMs = Math.max(this.#options.startMs, endMs - OVERLAP_MINUTES * MINUTE_MS);
    return await this.ask(startMs, endMs);
  }

  /** Asks for a range now, and takes in what comes. */
  async ask(startMs: number, endMs: number): Promise<PollOutcome> {
    const { sandbox, symbols, rates, timeoutMs } = this.#options;
    sandbox.setNow(this.nowMs);
    const fetchJob: GroupFetch = {
      v: 1,
      id: "g00-poll",
      group: 0,
      duty: "poll:test",
      interval: "1m",
      symbols: [...symbols],
      start_ms: startMs,
      end_ms: endMs,
      priority: 0,
      settle: false,
      lane: "live",
      rates: [{ fromMs: Math.floor(startMs / 1_800_000) * 1_800_000, rates: [...rates] }],
      owners: [],
    };
    const { outcome } = await runBarsJob(fetchJob, {
      providers: this.#providers().filter((provider) => hasCapability(provider, "bars_1m")),
      breaker: (id) => this.breakers.port(id),
      get: createHttpGet((url, init) => fetch(url, init)),
      calendar: CALENDAR,
      sessions: ["regular"],
      market: { kind: "market", stepped: true, now: () => this.nowMs },
      wall: { kind: "wall", now: () => performance.now() },
      timeoutMs,
    });
    const digests = outcome.answers.map((answer) => this.#group.take(answer, this.nowMs));
    if (digests.length === 0) digests.push(this.#group.take(null, this.nowMs));
    const ended = { duty: "poll", outcome, ingested: { appended: 0, digests }, nowMs: this.nowMs };
    countIngest(this.totals, ended);
    for (const row of digests.flatMap(({ drafts }) => drafts.flatMap((draft) => draft.rows))) {
      const [symbol, ts, o, h, l, c, v, n, vw, , provider] = row;
      this.#rows.push({ symbol, ts, provider, values: [o, h, l, c, v, n, vw] });
    }
    this.outcomes.push(outcome);
    return outcome;
  }

  /** How the calls to a provider ended, each kind once, sorted. */
  codesOf(provider: ProviderId): string[] {
    const calls = this.outcomes.flatMap((outcome) => outcome.calls);
    const own = calls.filter((call) => call.provider === provider);
    return [...new Set(own.map(({ code }) => code))].toSorted();
  }

  /** A counter, by its label values joined; empty when it never moved. */
  counter(name: Parameters<MetricTotals["add"]>[0]): Record<string, number | number[]> {
    return this.totals.toJSON()[name] ?? {};
  }

  /** Rows that a flush carried and that are no version of the bar that their provider serves. */
  wrongRows(): string[] {
    return this.#rows
      .filter(({ symbol, ts, provider, values }) => {
        const known = versionsOf(this.#options.sandbox.publication, provider, "sip", symbol, ts);
        return !known.some(({ bar }) => {
          const { o, h, l, c, v, n, vw } = bar;
          return JSON.stringify([o, h, l, c, v, n ?? null, vw ?? null]) === JSON.stringify(values);
        });
      })
      .map(({ symbol, ts, provider }) => `${symbol} ${ts} ${provider}`);
  }

  /** Minutes that are believed not to have traded, and did. */
  falseAbsences(): string[] {
    return this.#minutes()
      .filter(
        ([symbol, ts]) => this.#stateOf(symbol, ts) === "no_trade" && this.#trades(symbol, ts),
      )
      .map(String);
  }

  /** Minutes before `endMs` that traded and have no bar, or did not and are not known as such. */
  incomplete(endMs: number): string[] {
    return this.#minutes(endMs)
      .filter(
        ([symbol, ts]) =>
          this.#stateOf(symbol, ts) !== (this.#trades(symbol, ts) ? "bar" : "no_trade"),
      )
      .map(String);
  }

  #stateOf(symbol: string, ts: number): string {
    return this.#group.belief(symbol, ts).state;
  }

  #trades(symbol: string, ts: number): boolean {
    return this.#options.sandbox.market.bar(symbol, ts) !== undefined;
  }

  #minutes(endMs: number = this.nowMs): [string, number][] {
    const { symbols, startMs } = this.#options;
    const minutes: [string, number][] = [];
    for (const symbol of symbols)
      for (let ts = startMs; ts + MINUTE_MS <= endMs; ts += MINUTE_MS) minutes.push([symbol, ts]);
    return minutes;
  }

  #providers(): Provider[] {
    const { url } = this.#options.sandbox;
    const all = {
      alpaca: createAlpaca({
        baseUrl: url,
        keyId: KEYS.alpacaKeyId,
        secret: KEYS.alpacaSecret,
        feed: "sip",
        plan: "plus",
      }),
      polygon: createPolygon({ baseUrl: url, apiKey: KEYS.polygonApiKey, plan: "advanced" }),
    };
    return this.#options.policy.map((id) => (id === "alpaca" ? all.alpaca : all.polygon));
  }
}
