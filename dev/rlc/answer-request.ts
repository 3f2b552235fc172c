import { z } from "zod";
import {
  ackRequestSchema,
  type ClaimAnswer,
  claimRequestSchema,
  MAX_ANSWER_BYTES,
  MAX_CLAIM_BYTES,
  nackRequestSchema,
} from "../../src/contracts/rlc.ts";
import type { EpochMs } from "../../src/domain/time.ts";
import type { AnswerVerdict, JobQueue } from "./job-queue.ts";

/** A request as far as it is looked at. `readBody` rejects with `RangeError` when there is too much. */
export interface RlcRequest {
  readonly method: string;
  readonly path: string;
  readonly authorization: string | null;
  readonly readBody: (maxBytes: number) => Promise<string>;
}

/** Status and JSON body of an answer. */
export interface RlcReply {
  readonly status: number;
  readonly body: object;
}

/** What the answers are made from. */
export interface RlcServerState {
  readonly queue: JobQueue;
  /** Null: no token is asked for. */
  readonly token: string | null;
  readonly now: () => EpochMs;
  /** Puts in what has become due since the last claim. */
  readonly feed: (nowMs: EpochMs) => void;
}

const putSchema = z
  .object({ jobs: z.array(z.looseObject({ id: z.string().min(1).max(200) })).max(1_000) })
  .strict();
const prioritySchema = z.object({ priority: z.number().catch(0) });
const ANSWER = /^\/v1\/jobs\/([^/]+)\/(ack|nack)$/;
const STATUS: Readonly<Record<AnswerVerdict, number>> = {
  taken: 200,
  lease_lost: 409,
  unknown: 404,
};

/**
 * The coordinator's verbs: `POST /v1/jobs/claim`, `POST /v1/jobs/{id}/ack` and `/nack`; for tests and
 * people `POST /v1/jobs {"jobs": […]}`, which takes anything that has an id, and `GET /v1/jobs/stats`.
 */
export async function answerRequest(request: RlcRequest, state: RlcServerState): Promise<RlcReply> {
  const { method, path } = request;
  if (state.token !== null && request.authorization !== `Bearer ${state.token}`)
    return fault(401, "the token is missing or wrong");
  const nowMs = state.now();
  if (method === "GET" && path === "/v1/jobs/stats")
    return { status: 200, body: state.queue.stats(nowMs) };
  if (method !== "POST") return fault(404, "no such route");
  let body: unknown;
  try {
    const maxBytes = path === "/v1/jobs" ? MAX_CLAIM_BYTES : MAX_ANSWER_BYTES;
    body = JSON.parse(await request.readBody(maxBytes));
  } catch (error) {
    if (error instanceof RangeError) return fault(413, error.message);
    if (error instanceof SyntaxError) return fault(400, "not JSON");
    throw error;
  }
  return answerPost(path, body, state, nowMs);
}

function answerPost(
  path: string,
  body: unknown,
  { queue, feed }: RlcServerState,
  nowMs: EpochMs,
): RlcReply {
  if (path === "/v1/jobs") return parsed(putSchema, body, ({ jobs }) => put(queue, jobs, nowMs));
  if (path === "/v1/jobs/claim") {
    return parsed(claimRequestSchema, body, ({ worker, max }) => {
      feed(nowMs);
      const answer: ClaimAnswer = { jobs: queue.claim(worker, max, nowMs) };
      return { status: 200, body: answer };
    });
  }
  const [, id = "", verb] = ANSWER.exec(path) ?? [];
  if (verb === "ack")
    return parsed(ackRequestSchema, body, ({ worker }) => told(queue.ack(idOf(id), worker, nowMs)));
  if (verb === "nack")
    return parsed(nackRequestSchema, body, (nack) => told(queue.nack(idOf(id), nack, nowMs)));
  return fault(404, "no such route");
}

function put(queue: JobQueue, jobs: readonly { id: string }[], nowMs: EpochMs): RlcReply {
  queue.put(
    jobs.map((job) => ({ id: job.id, priority: prioritySchema.parse(job).priority, job })),
    nowMs,
  );
  return { status: 202, body: {} };
}

function parsed<T>(schema: z.ZodType<T>, body: unknown, answer: (value: T) => RlcReply): RlcReply {
  const result = schema.safeParse(body);
  if (result.success) return answer(result.data);
  const [issue] = result.error.issues;
  return fault(400, `${issue?.path.join(".") ?? ""}: ${issue?.message ?? "malformed"}`);
}

function idOf(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

function told(verdict: AnswerVerdict): RlcReply {
  return { status: STATUS[verdict], body: { verdict } };
}

function fault(status: number, error: string): RlcReply {
  return { status, body: { error } };
}
