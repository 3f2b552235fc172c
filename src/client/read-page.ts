import type { z } from "zod";
import { backoffMs } from "../domain/backoff.ts";
import { type ClientDeps, pause } from "./client-deps.ts";

const PAGE_TRIES = 6;
const PAGE_BACKOFF = { baseMs: 500, maxMs: 10_000 } as const;
/** A page is a few MB at most. */
const PAGE_TIMEOUT_MS = 30_000;

const CONFLICT = 409;
const TOO_MANY = 429;
const SERVER_ERROR = 500;

/** What a fetch needs beside its address. */
export interface PageReading {
  readonly deps: ClientDeps;
  /** The service's origin: nothing else is asked, for the key goes along. */
  readonly origin: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Ends the reading; what is read then is not used. */
  readonly signal: AbortSignal;
}

/** An address of the service, or null for one elsewhere: what a frame says must not send a key there. */
export function serviceUrl(text: string, origin: string): URL | null {
  try {
    const url = new URL(text, origin);
    return url.origin === origin ? url : null;
  } catch {
    return null;
  }
}

/**
 * Fetches and parses one page. What may go away by itself is tried again with back-off: no answer, 409 (what is asked
 * for is not stored yet), 429 and 5xx. Throws with the reason when it can't be had.
 */
export async function readPage<T>(
  url: URL,
  schema: z.ZodType<T>,
  { deps, headers, signal }: PageReading,
): Promise<T> {
  let reason = "";
  for (let tries = 0; tries < PAGE_TRIES && !signal.aborted; tries += 1) {
    if (tries > 0) await pause(deps.clock, backoffMs(tries - 1, PAGE_BACKOFF, deps.random), signal);
    const answer = await ask(url, headers, deps, signal);
    if ("body" in answer) {
      const parsed = schema.safeParse(answer.body);
      if (parsed.success) return parsed.data;
      reason = "an answer of another form";
    } else {
      reason = answer.reason;
      if (!answer.again) break;
    }
  }
  throw new Error(`${url.pathname}: ${signal.aborted ? "given up" : reason}`);
}

type Answer = { readonly body: unknown } | { readonly reason: string; readonly again: boolean };

async function ask(
  url: URL,
  headers: Readonly<Record<string, string>>,
  { clock, fetch }: ClientDeps,
  signal: AbortSignal,
): Promise<Answer> {
  const limited = new AbortController();
  const stop = () => limited.abort();
  signal.addEventListener("abort", stop, { once: true });
  const cancel = clock.after(PAGE_TIMEOUT_MS, stop);
  try {
    const answer = await fetch(url.href, {
      headers: { ...headers, accept: "application/json" },
      signal: limited.signal,
    });
    if (answer.ok) return { body: await answer.json() };
    const { status } = answer;
    const again = status === CONFLICT || status === TOO_MANY || status >= SERVER_ERROR;
    return { reason: `answered ${status}`, again };
  } catch (error) {
    return { reason: error instanceof Error ? error.message : "no answer", again: true };
  } finally {
    cancel();
    signal.removeEventListener("abort", stop);
  }
}
