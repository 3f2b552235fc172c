import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { EpochMs } from "../../src/domain/time.ts";
import type { Market } from "../market/market.ts";
import type { PublicationSchedule } from "../market/publication.ts";
import { ADMIN_PREFIX, answerAdmin } from "./admin.ts";
import { createBarsSource } from "./bars-source.ts";
import type { Fault, SandboxProvider } from "./fault.ts";
import { createProviderAnswers } from "./provider-answers.ts";
import type { SandboxKeys } from "./provider-answers.ts";
import { htmlReply, jsonReply, textReply } from "./reply.ts";
import type { Reply } from "./reply.ts";
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
}

/** A running sandbox. `url` is the base of both providers. */
export interface Sandbox {
  readonly url: string;
  setFault(provider: SandboxProvider, fault: Fault | null): void;
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
const PAID_PLAN_CALLS_PER_MINUTE = 10_000;

function providerOf(pathname: string): SandboxProvider | undefined {
  if (pathname.startsWith("/v2/stocks/")) return "alpaca";
  if (pathname.startsWith("/v2/aggs/")) return "polygon";
  return undefined;
}

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

/** Start the sandbox on the loopback interface: one server that speaks both providers' dialects. */
export async function startSandbox(options: SandboxOptions): Promise<Sandbox> {
  const stats = createStatsRecorder();
  const faults = new Map<SandboxProvider, Fault>();
  let url = "";
  const answerProvider = createProviderAnswers({
    source: createBarsSource(options.market, options.publication, options.now),
    keys: options.keys,
    alpacaCallsPerMinute: options.alpacaCallsPerMinute ?? PAID_PLAN_CALLS_PER_MINUTE,
    baseUrl: () => url,
    faultOf: (provider) => faults.get(provider),
  });

  function setFault(provider: SandboxProvider, fault: Fault | null): void {
    if (fault === null) faults.delete(provider);
    else faults.set(provider, fault);
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url ?? "/";
    const target = new URL(path, url);
    if (target.pathname.startsWith(ADMIN_PREFIX)) {
      const deps = { setFault, stats: () => stats.snapshot() };
      return send(response, await answerAdmin(request, target, deps));
    }
    const provider = providerOf(target.pathname);
    if (provider === undefined) return send(response, textReply(404, "404 page not found"));
    stats.countRequest(provider);
    const isTooLong = Buffer.byteLength(path) > MAX_URL_BYTES;
    const reply = isTooLong
      ? htmlReply(414, "414 Request-URI Too Large")
      : answerProvider(provider, target, request);
    if (reply === null) return;
    stats.countAnswer(provider, reply.status);
    send(response, reply);
  }

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
    stats: () => stats.snapshot(),
    stop: () =>
      new Promise((resolve, reject) => {
        server.close((error) => (error === undefined ? resolve() : reject(error)));
        server.closeAllConnections();
      }),
  };
}
