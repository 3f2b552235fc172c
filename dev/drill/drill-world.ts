import { SANDBOX_PROVIDERS } from "../sandbox/endpoint.ts";
import type { Fault } from "../sandbox/fault.ts";
import type { LocalStack } from "../stack/local-stack.ts";
import type { MarketPace } from "./market-pace.ts";

const REQUEST_TIMEOUT_MS = 30_000;

/** A call of a runbook, and how it was answered. */
export interface RunbookCall {
  readonly call: string;
  readonly status: number;
}

/** What a scenario acts on: the stack, its market time, and its operator's calls. */
export class DrillWorld {
  readonly stack: LocalStack;
  readonly pace: MarketPace;
  #calls: RunbookCall[] = [];

  constructor(stack: LocalStack, pace: MarketPace) {
    this.stack = stack;
    this.pace = pace;
  }

  /** The calls since they were last taken. */
  takeCalls(): RunbookCall[] {
    return this.#calls.splice(0);
  }

  /** A call of the API as an operator makes it; throws when it is not answered with success. */
  async call(method: "GET" | "POST" | "PUT", path: string, body?: unknown): Promise<unknown> {
    const response = await fetch(this.stack.serviceUrl() + path, {
      method,
      headers: {
        authorization: `Bearer ${this.stack.key}`,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
    });
    const text = await response.text();
    this.#calls.push({ call: `${method} ${path}`, status: response.status });
    // Readiness says by 503 that something is wrong: that is its answer.
    const isAnswer = response.ok || path === "/health/ready";
    if (!isAnswer) throw new Error(`${method} ${path}: ${response.status} ${text.slice(0, 300)}`);
    return text === "" ? null : JSON.parse(text);
  }

  /** One fault for all providers; null heals them. */
  setAllFaults(fault: Fault | null): void {
    for (const provider of SANDBOX_PROVIDERS) this.stack.sandbox.setFault(provider, fault);
  }
}
