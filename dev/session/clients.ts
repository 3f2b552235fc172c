import { setTimeout as delay } from "node:timers/promises";
import { z } from "zod";
import type { EpochMs } from "../../src/domain/time.ts";
import { MINUTE_MS } from "../../src/domain/time.ts";
import { streamName } from "../../src/stream/token.ts";
import type { LocalStack } from "../stack/local-stack.ts";
import type { ChurnFacts } from "./churn/churn-result.ts";
import { countGaps, type GapCounts } from "./gap-events.ts";
import { StreamClient } from "./stream-client.ts";

/** Symbols of client i are those whose index has its remainder. */
const SHARDS = 5;
/** The client that drops and resumes, and how often it does. */
const DROPPING_CLIENT = 1;
const DROP_EVERY_MS = 20 * MINUTE_MS;
const CATCH_UP_TIMEOUT_MS = 20_000;
const CATCH_UP_POLL_MS = 50;

/** What the clients of a session got, held against what flushes carried. */
export interface StreamResult {
  readonly clients: number;
  readonly expected: number;
  readonly delivered: number;
  readonly lost: number;
  readonly duplicate: number;
  readonly recovered_pct: number;
  /** Resumes whose replay was fetched over HTTP: it was larger than a socket carries. */
  readonly handed_off: number;
  /** How those dropped and came back that did so at random; absent without any. */
  readonly churn?: ChurnFacts;
  readonly faults: readonly string[];
}

/** The clients of a session: the first takes everything, the others a fifth each. */
export class SessionClients {
  #clients: StreamClient[];
  #nextDropMs: EpochMs | null = null;
  #universe: readonly string[];

  constructor(stack: LocalStack, universe: readonly string[], count: number) {
    this.#universe = universe;
    this.#clients = Array.from({ length: count }, (_, index) => {
      const symbols =
        index === 0 ? ["*"] : universe.filter((_symbol, at) => at % SHARDS === index % SHARDS);
      return new StreamClient(
        () => stack.serviceUrl(),
        stack.key,
        symbols.length > 0 ? symbols : ["*"],
      );
    });
  }

  async connect(): Promise<void> {
    for (const client of this.#clients) await client.connect();
  }

  /**
   * All leave for the night, and come back with `connect`, each from where it was: a host looks after its
   * streams each minute while it has connections, and closed hours are jumped.
   */
  async leave(): Promise<void> {
    for (const client of this.#clients) await client.leave();
    this.#nextDropMs = null;
  }

  /** Drops and resumes the client that does so, when its time has come. */
  async at(nowMs: EpochMs): Promise<void> {
    const client = this.#clients[DROPPING_CLIENT];
    if (client === undefined) return;
    this.#nextDropMs ??= nowMs + DROP_EVERY_MS;
    if (nowMs < this.#nextDropMs) return;
    this.#nextDropMs = nowMs + DROP_EVERY_MS;
    await client.reconnect();
  }

  /** Waits until every client stands where Postgres does; what has not come by then is lost. */
  async catchUp(stack: LocalStack): Promise<void> {
    const rows = await stack.database.query(
      `select "group", fs::text from group_cursor where class = 'bars'`,
    );
    const schema = z.object({ group: z.number(), fs: z.coerce.number() });
    const heads = new Map(
      rows
        .map((row) => schema.parse(row))
        .map((row) => [streamName({ group: row.group, class: "bars" }), row.fs]),
    );
    const behind = () =>
      this.#clients.filter((client) =>
        [...client.positions].some(([stream, at]) => at.fs < (heads.get(stream) ?? 0)),
      );
    const deadline = performance.now() + CATCH_UP_TIMEOUT_MS;
    while (behind().length > 0 && performance.now() < deadline) await delay(CATCH_UP_POLL_MS);
  }

  close(): void {
    for (const client of this.#clients) client.close();
  }

  /**
   * The most symbols of a group that were ever said not to have traded in a minute, by `stream ts`, as
   * the client that takes everything saw it; null without one.
   */
  mostNoTrade(): ReadonlyMap<string, number> | null {
    return this.#clients[0]?.mostNoTrade ?? null;
  }

  /** Gap events by kind, as the client that takes everything saw them; null without one. */
  gapEvents(): GapCounts | null {
    const [first] = this.#clients;
    return first === undefined ? null : countGaps(first.gapEvents);
  }

  result(beliefs: ReadonlySet<string>): StreamResult {
    let expected = 0;
    let delivered = 0;
    const bySymbol = Map.groupBy(beliefs, (key) => key.slice(0, key.indexOf(" ")));
    for (const client of this.#clients) {
      const symbols = client.symbols.includes("*") ? this.#universe : client.symbols;
      for (const symbol of symbols) {
        for (const key of bySymbol.get(symbol) ?? []) {
          expected += 1;
          if (client.received.has(key)) delivered += 1;
        }
      }
    }
    const sum = (pick: (client: StreamClient) => number) =>
      this.#clients.reduce((total, client) => total + pick(client), 0);
    const resumes = sum((client) => client.resumes);
    return {
      clients: this.#clients.length,
      expected,
      delivered,
      lost: expected - delivered,
      duplicate: sum((client) => client.faults.duplicates),
      recovered_pct:
        resumes === 0
          ? 100
          : Math.round((1_000 * sum((client) => client.recovered)) / resumes) / 10,
      handed_off: sum((client) => client.handedOff),
      faults: this.#faults(),
    };
  }

  #faults(): string[] {
    return this.#clients
      .flatMap((client, index) => {
        const { breaks, badReplays, badManifests, errors } = client.faults;
        return [
          ...(breaks > 0 ? [`client ${index}: ${breaks} breaks in flush numbers`] : []),
          ...(badReplays > 0
            ? [`client ${index}: ${badReplays} replays that do not match their trailer`]
            : []),
          ...(badManifests > 0
            ? [`client ${index}: ${badManifests} manifests that do not add up`]
            : []),
          ...errors.map((error) => `client ${index}: ${error}`),
        ];
      })
      .slice(0, 20);
  }
}
