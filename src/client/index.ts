import { Feed } from "./feed.ts";
import type { ConnectOptions } from "./options.ts";

export type { ClientClock, ClientDeps, HttpAnswer, HttpFetch, SocketClass } from "./client-deps.ts";
export type {
  BarEvent,
  FeedEvent,
  FeedState,
  GapEvent,
  ManifestEvent,
  QuoteEvent,
  SourceEvent,
  Via,
} from "./events.ts";
export type { Feed } from "./feed.ts";
export type { ConnectOptions } from "./options.ts";

/**
 * Connects to the stream of a service: an async iterator of what comes, and callbacks. It reconnects and resumes by
 * itself; between `connect` and `close` every bar revision that a flush carried for its symbols is delivered once,
 * in order per symbol. Throws a TypeError for options that make no sense.
 */
export function connect(options: ConnectOptions): Feed {
  return new Feed(options);
}
