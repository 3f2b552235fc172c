import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { type Calendar, createCalendar } from "../../src/domain/calendar.ts";
import type { EpochMs } from "../../src/domain/time.ts";
import type { Market } from "../market/market.ts";
import type { PublicationSchedule } from "../market/publication.ts";
import type { SymbolListing } from "../market/symbol-listing.ts";
import { ADMIN_PREFIX, answerAdmin } from "./admin.ts";
import { askedRange, isAskedAfterSettle } from "./asked-range.ts";
import { routeOf } from "./endpoint.ts";
import type { Route, SandboxProvider } from "./endpoint.ts";
import { createFaultBook } from "./fault-book.ts";
import type { Fault, FaultScope, ScheduledFault } from "./fault.ts";
import { createMarketSource } from "./market-source.ts";
import { createProviderAnswers } from "./provider-answers.ts";
import type { CallsPerMinute, SandboxKeys } from "./provider-answers.ts";
import { htmlReply, jsonReply, textReply } from "./reply.ts";
import type { Reply } from "./reply.ts";
import { createSilentCalls } from "./silent-calls.ts";
import { createStatsRecorder } from "./stats.ts";
import type { SandboxStats } from "./stats.ts";

/** What the sandbox serves, at which market time, and to whom. */
export interface SandboxOptions {
  readonly market: Market;
  readonly publication: PublicationSchedule;
  /** Market time: a bar is served from its publication's `visibleAtMs`. */
  readonly now: () => EpochMs;
  readonly keys: SandboxKeys;
  /** 0 (default): any free one. */
  readonly port?: number;
  /** Alpaca's quota in calls a minute of market time; the default is that of its paid plan. */
  readonly alpacaCallsPerMinute?: number;
  /** The same for any of them. */
  readonly callsPerMinute?: Partial<CallsPerMinute>;
  /** What the providers list; the default is what the market trades. */
  readonly listing?: SymbolListing;
  /** When the market is open; the default is what the rules say. */
  readonly calendar?: Calendar;
  /** Faults by market time; see `faultScheduleSchema`. */
  readonly faults?: readonly ScheduledFault[];
  /** The instant from which the schedule's times count; the default is the Unix epoch. */
  readonly faultOriginMs?: EpochMs;
}

/** A running sandbox. `url` is the base of all providers; Finnhub's has `/api/v1` behind it. */
export interface Sandbox {
  readonly url: string;
  /** Make a provider sick, all of it or one endpoint; null heals. Scheduled faults stay. */
  setFault(provider: SandboxProvider, fault: Fault | null, scope?: FaultScope): void;
  stats(): SandboxStats;
  /** Close the port and every connection, hanging ones too. */
  stop(): Promise<void>;
}

/** Front ends refuse longer ones with a page of HTML; users meet it with several hundred symbols. */
const MAX_URL_BYTES = 8 * 1_024;
/** Above the URL limit, so that a long URL gets its 414 and not the HTTP parser's 431. */
const MAX_HEADER_BYTES = 64 * 1_024;
/** Longer than callers keep an idle connection, so that none is closed under a request being sent. */
const KEEP_ALIVE_MS = 65_000;
/** Of the paid plans; Polygon's have no limit, so its number is one that no run reaches. */
const PAID_CALLS_PER_MINUTE: CallsPerMinute = {
  alpaca: 10_000,
  polygon: 1_000_000,
  finnhub: 300,
  iex: 200,
};

function send(response: ServerResponse, reply: Reply): void {
  const headers = { ...reply.headers, "content-length": Buffer.byteLength(reply.body) };
  response.writeHead(reply.status, headers).end(reply.body);
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => {
      const address = server.address();
      if (address === null || typeof address === "string") reject(new Error("not a TCP port"));
      else resolve(address.port);
    });
  });
}

/** Resolves after the delay, or when the caller gives up. */
function pause(delayMs: number, response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, delayMs);
    response.once("close", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

/** What happens to each request, whoever it is for. */
function createHandler(options: SandboxOptions, baseUrl: () => string) {
  const stats = createStatsRecorder();
  const book = createFaultBook(options.faults ?? [], options.faultOriginMs ?? 0);
  const silent = createSilentCalls();
  const alpaca = options.alpacaCallsPerMinute ?? PAID_CALLS_PER_MINUTE.alpaca;
  const answerProvider = createProviderAnswers({
    source: createMarketSource(options),
    keys: options.keys,
    callsPerMinute: { ...PAID_CALLS_PER_MINUTE, alpaca, ...options.callsPerMinute },
    baseUrl,
  });
  const calendar = options.calendar ?? createCalendar();
  const isMute = (route: Route) => book.at(route, options.now()).fault === "mute";

  function setFault(provider: SandboxProvider, fault: Fault | null, scope?: FaultScope): void {
    book.set(provider, fault, scope);
    silent.closeEnded(isMute);
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url ?? "/";
    const url = new URL(path, baseUrl());
    if (url.pathname.startsWith(ADMIN_PREFIX)) {
      const deps = { setFault, stats: () => stats.snapshot() };
      return send(response, await answerAdmin(request, url, deps));
    }
    silent.closeEnded(isMute);
    const call = { url, headers: request.headers, method: request.method };
    const route = routeOf(call, options.keys.iexKeyId);
    if (route === undefined) return send(response, textReply(404, "404 page not found"));
    stats.countRequest(route);
    const asked = askedRange(route, url);
    if (asked !== undefined && isAskedAfterSettle(asked, options.now(), calendar))
      stats.countAskedAfterSettle(route.provider);
    const { fault, delayMs } = book.at(route, options.now());
    if (delayMs > 0) await pause(delayMs, response);
    if (response.destroyed) return;
    const isTooLong = Buffer.byteLength(path) > MAX_URL_BYTES;
    const reply = isTooLong
      ? htmlReply(414, "414 Request-URI Too Large")
      : answerProvider(route, call, fault);
    if (reply === null) {
      if (fault === "mute") silent.add(route, response);
      return;
    }
    stats.countAnswer(route.provider, reply.status);
    send(response, reply);
  }

  return { handle, setFault, stats: () => stats.snapshot() };
}

/** Start the sandbox on the loopback interface: one server that speaks all providers' dialects. */
export async function startSandbox(options: SandboxOptions): Promise<Sandbox> {
  let url = "";
  const { handle, setFault, stats } = createHandler(options, () => url);
  const server = createServer(
    { maxHeaderSize: MAX_HEADER_BYTES, keepAliveTimeout: KEEP_ALIVE_MS },
    (request, response) => {
      handle(request, response).catch((error: unknown) => {
        // A bug of the sandbox: said in the answer, so that the test that meets it shows it.
        const text = error instanceof Error ? error.message : String(error);
        if (!response.headersSent)
          send(response, jsonReply(500, JSON.stringify({ message: `sandbox: ${text}` })));
        else response.destroy();
      });
    },
  );
  url = `http://127.0.0.1:${await listen(server, options.port ?? 0)}`;

  return {
    url,
    setFault,
    stats,
    stop: () =>
      new Promise((resolve, reject) => {
        server.close((error) => (error === undefined ? resolve() : reject(error)));
        server.closeAllConnections();
      }),
  };
}
