import { z } from "zod";
import type { EpochMs } from "../../src/domain/time.ts";
import { SECOND_MS, toIso } from "../../src/domain/time.ts";
import type { ScheduledFault } from "../sandbox/fault.ts";
import type { LocalStack } from "../stack/local-stack.ts";

const answerSchema = z.object({
  providers: z.array(
    z.object({
      name: z.string(),
      capabilities: z.array(z.object({ capability: z.string(), state: z.string().nullable() })),
    }),
  ),
});

/** How a breaker took one fault of its provider, market time. */
export interface FaultResponse {
  readonly fault: string;
  readonly from: string;
  readonly to: string;
  /** From its start to the breaker's opening, s; null when it stayed closed. */
  readonly left_after_s: number | null;
  /** From its end to the breaker's closing, s; null when it stayed closed, or never came back. */
  readonly returned_after_s: number | null;
}

/** What a breaker did in a session, in market time. */
export interface BreakerPath {
  readonly provider: string;
  readonly capability: string;
  /** Each state it was in, with when it was first seen there. */
  readonly path: readonly (readonly [at: string, state: string])[];
  readonly faults: readonly FaultResponse[];
}

interface Seen {
  readonly atMs: EpochMs;
  readonly state: string;
}

/** Follows the breakers of a session through `GET /providers`: what an operator would have seen. */
export class BreakerWatch {
  #stack: LocalStack;
  #seen = new Map<string, Seen[]>();

  constructor(stack: LocalStack) {
    this.#stack = stack;
  }

  /** Looks once; call it after each step. */
  async at(nowMs: EpochMs): Promise<void> {
    const response = await fetch(`${this.#stack.serviceUrl()}/providers`, {
      headers: { authorization: `Bearer ${this.#stack.key}` },
    });
    const { providers } = answerSchema.parse(await response.json());
    for (const { name, capabilities } of providers) {
      for (const { capability, state } of capabilities) {
        if (state === null) continue;
        const key = `${name} ${capability}`;
        const path = this.#seen.get(key) ?? [];
        this.#seen.set(key, path);
        if (path.at(-1)?.state !== state) path.push({ atMs: nowMs, state });
      }
    }
  }

  /** The breakers that were not closed all the time, and how long they took. */
  paths(faults: readonly ScheduledFault[], originMs: EpochMs): BreakerPath[] {
    return [...this.#seen]
      .filter(([, path]) => path.some(({ state }) => state !== "closed"))
      .map(([key, path]) => {
        const [provider = "", capability = ""] = key.split(" ");
        return {
          provider,
          capability,
          path: path.map(({ atMs, state }) => [toIso(atMs), state] as const),
          faults: faults
            .filter((fault) => fault.provider === provider)
            .map((fault) => responseTo(fault, path, originMs)),
        };
      });
  }
}

/** How a breaker's path went through one fault. */
export function responseTo(
  { fault, fromMs, toMs }: ScheduledFault,
  path: readonly Seen[],
  originMs: EpochMs,
): FaultResponse {
  const startMs = originMs + fromMs;
  const endMs = originMs + toMs;
  const opened = path.find(
    ({ state, atMs }) => state === "open" && atMs >= startMs && atMs < endMs,
  );
  const closed =
    opened === undefined
      ? undefined
      : path.find(({ state, atMs }) => state === "closed" && atMs >= endMs);
  return {
    fault,
    from: toIso(startMs),
    to: toIso(endMs),
    left_after_s: opened === undefined ? null : (opened.atMs - startMs) / SECOND_MS,
    returned_after_s: closed === undefined ? null : (closed.atMs - endMs) / SECOND_MS,
  };
}
