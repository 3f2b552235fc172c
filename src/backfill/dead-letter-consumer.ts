import { type DeadLetter, deadLetterSchema, type Death } from "../contracts/dead-letter.ts";
import { backoffMs, type BackoffPolicy } from "../domain/backoff.ts";
import type { Tier } from "../domain/tier.ts";
import { MINUTE_MS, SECOND_MS } from "../domain/time.ts";
import { errorText, log } from "../platform/log.ts";
import { classifySqlError } from "../postgres/sql-error.ts";

/** How long messages wait for a database that is away: short at first, for most outages are. */
const AWAY_BACKOFF: BackoffPolicy = { baseMs: 15 * SECOND_MS, maxMs: 15 * MINUTE_MS };
/** No instant of a letter lies there; far below what a date can hold. */
const END_INSTANT_MS = Date.UTC(2100, 0, 1);

/** A message of `backfill-dlq`, as much of it as is looked at. */
export interface LetterMessage {
  readonly id: string;
  readonly body: unknown;
  /** Deliveries so far, this one included. */
  readonly attempts: number;
  ack(): void;
  retry(options: { delaySeconds: number }): void;
}

/** What the consumer acts through. */
export interface DeadLetterDeps {
  /** Commits the letters, all or none; rejects as `classifySqlError` says. */
  readonly store: (letters: readonly DeadLetter[]) => Promise<void>;
  /** Tells the queue of a tier that Postgres holds these deaths. */
  readonly confirm: (tier: Tier, deaths: readonly Death[]) => Promise<void>;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

interface Received {
  readonly message: LetterMessage;
  readonly letter: DeadLetter;
}

/** What Postgres can hold of what the contract allows. */
const storableSchema = deadLetterSchema
  .refine(({ start_ms, end_ms }) => start_ms < end_ms, "an empty range")
  .refine(
    ({ start_ms, end_ms, enqueued_ms, died_ms, history }) =>
      [start_ms, end_ms, enqueued_ms, died_ms, ...history.map(({ at_ms }) => at_ms)].every(
        (ms) => ms >= 0 && ms < END_INSTANT_MS,
      ),
    "an instant outside 1970 to 2100",
  );

/**
 * Takes a batch of `backfill-dlq`: stores its letters, tells their queues, acknowledges. Every message may
 * come again, and late: what is stored already changes nothing. While the database is away exactly the
 * messages that it would have stored come again.
 *
 * A message that is no letter is logged and acknowledged: again it would be none. Nothing is lost by
 * that, nor when the platform drops a message: the dead hole stays a row of its queue, which sends it again
 * until its death is confirmed.
 */
export async function consumeDeadLetters(
  messages: readonly LetterMessage[],
  deps: DeadLetterDeps,
): Promise<void> {
  const received = messages.flatMap((message): Received[] => {
    const parsed = storableSchema.safeParse(message.body);
    if (parsed.success) return [{ message, letter: parsed.data }];
    const [issue] = parsed.error.issues;
    const fault = issue === undefined ? "" : `${issue.path.join(".")}: ${issue.message}`;
    refuse(message, fault);
    return [];
  });
  if (received.length > 0) await take(received, deps);
}

async function take(received: readonly Received[], deps: DeadLetterDeps): Promise<void> {
  try {
    await deps.store(received.map(({ letter }) => letter));
  } catch (error) {
    await putOff(received, error, deps);
    return;
  }
  await confirm(received, deps);
  for (const { message } of received) message.ack();
}

/** One letter that Postgres refuses must not hold back those beside it: then each goes alone. */
async function putOff(
  received: readonly Received[],
  error: unknown,
  deps: DeadLetterDeps,
): Promise<void> {
  const [first] = received;
  const fault = classifySqlError(error);
  if (fault.kind === "row_fault" && first !== undefined) {
    if (received.length === 1) refuse(first.message, fault.message);
    else for (const one of received) await take([one], deps);
    return;
  }
  log("warn", "dead letters wait for the database", {
    letters: received.length,
    error: fault.message,
  });
  // One draw for all: what waits together comes back together, in one statement.
  const draw = deps.random();
  for (const { message } of received) {
    const delayMs = backoffMs(message.attempts, AWAY_BACKOFF, () => draw);
    message.retry({ delaySeconds: Math.max(1, Math.ceil(delayMs / SECOND_MS)) });
  }
}

/** A queue that does not hear of it sends the letter again, and is told then. */
async function confirm(received: readonly Received[], deps: DeadLetterDeps): Promise<void> {
  const letters = Map.groupBy(
    received.map(({ letter }) => letter),
    ({ tier }) => tier,
  );
  for (const [tier, own] of letters) {
    try {
      await deps.confirm(
        tier,
        own.map(({ id, died_ms: diedMs }) => ({ id, diedMs })),
      );
    } catch (error) {
      log("warn", "a queue was not told that its dead letters are stored", {
        tier,
        letters: own.length,
        error: errorText(error),
      });
    }
  }
}

function refuse(message: LetterMessage, fault: string): void {
  log("error", "a message of backfill-dlq is no dead letter", { message: message.id, fault });
  message.ack();
}
