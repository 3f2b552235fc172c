import {
  type AckRequest,
  claimAnswerSchema,
  type ClaimedJob,
  type ClaimRequest,
  type JobAnswer,
  MAX_ANSWER_BYTES,
  MAX_CLAIM_BYTES,
  type NackRequest,
} from "../contracts/rlc.ts";
import { errorText } from "../platform/log.ts";
import { BodyTooLargeError, type ReadableBody, readBody } from "../platform/read-body.ts";
import { withTimeout } from "../platform/timers.ts";

/** Shorter than the offset of any provider's poll: a sweeper that steps in is not late for it. Wall ms. */
const TIMEOUT_MS = 2_000;
/** The lease is lost: it ended, or somebody else has the job. There is nothing more to say of it. */
const LEASE_LOST = [404, 409];

/** The part of `fetch` that is used. */
export type RlcFetch = (
  url: string,
  init: {
    method: "POST";
    headers: Record<string, string>;
    body: string;
    signal: AbortSignal;
    redirect: "manual";
  },
) => Promise<{ readonly status: number; readonly body: ReadableBody | null }>;

/** Where the coordinator is, and as whom it is asked. */
export interface RlcClientOptions {
  readonly url: string;
  readonly token: string | null;
  readonly worker: string;
  readonly fetch: RlcFetch;
}

/**
 * The coordinator did not do what was asked of it: not reached in time, refused, or answered with
 * something else. To the question who is in charge they are all one: it gives out no jobs.
 */
export class RlcError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "RlcError";
  }
}

/** The way to the coordinator. Every verb rejects with `RlcError` and nothing else. */
export interface RlcClient {
  /** Jobs with their leases; the jobs themselves have not been judged. */
  claim(max: number): Promise<readonly ClaimedJob[]>;
  /** Acknowledges or refuses a job. May be repeated; a lost lease is no error. */
  answer(answer: JobAnswer): Promise<void>;
}

/** Makes a client over a `fetch` that is passed in. */
export function createRlcClient(options: RlcClientOptions): RlcClient {
  const { worker } = options;
  return {
    claim: async (max) => {
      const request: ClaimRequest = { worker, max };
      const { status, text } = await post(options, "claim", request, MAX_CLAIM_BYTES);
      if (status !== 200) throw new RlcError(`the claim was answered with ${status}`);
      const parsed = claimAnswerSchema.safeParse(parseJson(text));
      if (!parsed.success) throw new RlcError("the answer to the claim is malformed");
      if (parsed.data.jobs.length > max)
        throw new RlcError(`${parsed.data.jobs.length} jobs came, ${max} were asked for`);
      return parsed.data.jobs;
    },
    answer: async ({ id, nack }) => {
      const request: AckRequest | NackRequest = nack === null ? { worker } : { worker, ...nack };
      const path = `${encodeURIComponent(id)}/${nack === null ? "ack" : "nack"}`;
      const { status } = await post(options, path, request, MAX_ANSWER_BYTES);
      if ((status < 200 || status > 299) && !LEASE_LOST.includes(status))
        throw new RlcError(`the ${nack === null ? "ack" : "nack"} was answered with ${status}`);
    },
  };
}

async function post(
  { url, token, fetch }: RlcClientOptions,
  path: string,
  request: ClaimRequest | AckRequest | NackRequest,
  maxBytes: number,
): Promise<{ status: number; text: string }> {
  const headers: Record<string, string> = { "content-type": "application/json" };
  if (token !== null) headers["authorization"] = `Bearer ${token}`;
  try {
    return await withTimeout(TIMEOUT_MS, async (signal) => {
      // A redirect is not followed: it would carry the token to another host.
      const init = { method: "POST" as const, headers, signal, redirect: "manual" as const };
      const address = `${url.replace(/\/+$/, "")}/v1/jobs/${path}`;
      const response = await fetch(address, { ...init, body: JSON.stringify(request) });
      return { status: response.status, text: await readBody(response.body, maxBytes) };
    });
  } catch (error) {
    if (error instanceof BodyTooLargeError) throw new RlcError(errorText(error));
    // Some runtimes put the whole URL into the message of a fault.
    throw new RlcError(`no answer: ${error instanceof Error ? error.name : "unknown fault"}`);
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
