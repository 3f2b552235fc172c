import type { ServerResponse } from "node:http";
import type { Route } from "./endpoint.ts";

/** Calls that get no answer. */
export interface SilentCalls {
  /** Keep a call unanswered. */
  add(route: Route, response: ServerResponse): void;
  /** Close those of routes whose fault is over. */
  closeEnded(isMute: (route: Route) => boolean): void;
}

/** None yet. A call leaves when its caller gives up. */
export function createSilentCalls(): SilentCalls {
  const calls = new Map<ServerResponse, Route>();
  return {
    add: (route, response) => {
      calls.set(response, route);
      response.once("close", () => calls.delete(response));
    },
    closeEnded: (isMute) => {
      for (const [response, route] of calls) if (!isMute(route)) response.destroy();
    },
  };
}
