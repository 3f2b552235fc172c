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

/** What a breaker did in a session, in market time. */
export interface BreakerPath {
  readonly provider: string;
  readonly capability: string;
  /** Each state it was in, with when it was first seen there. */
  readonly path: readonly (readonly [at: string, state: string])[];
  /** From the first fault of the provider to the breaker's opening, s; null when either is not there. */
  readonly left_after_s: number | null;
  /** From the end of its last fault to the breaker's last closing, s. */
  readonly returned_after_s: number | null;
}

/** Follows the breakers of a session through `GET /providers`: what an operator would have seen. */
export class BreakerWatch {
  #stack: LocalStack;
  #seen = new Map<string, { atMs: EpochMs; state: string }[]>();

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
        const own = faults.filter((fault) => fault.provider === provider);
        const firstMs = Math.min(...own.map((fault) => originMs + fault.fromMs));
        const lastMs = Math.max(...own.map((fault) => originMs + fault.toMs));
        const opened = path.find(({ state, atMs }) => state === "open" && atMs >= firstMs);
        const last = path.at(-1);
        const closed = last?.state === "closed" && last.atMs >= lastMs ? last : undefined;
        return {
          provider,
          capability,
          path: path.map(({ atMs, state }) => [toIso(atMs), state] as const),
          left_after_s: opened === undefined ? null : (opened.atMs - firstMs) / SECOND_MS,
          returned_after_s: closed === undefined ? null : (closed.atMs - lastMs) / SECOND_MS,
        };
      });
  }
}
