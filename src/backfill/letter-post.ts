import type { SymbolRange } from "../contracts/backfill.ts";
import type { DeadLetter } from "../contracts/dead-letter.ts";
import { errorText, log } from "../platform/log.ts";

/** What Cloudflare Queues takes in one call: 100 messages, 256 KB; the rest is left for what it adds. */
const MAX_LETTERS = 100;
const MAX_BATCH_BYTES = 200_000;

/** Where letters go: the groups whose holes they are about, and the queue of dead letters. */
export interface LetterPost {
  readonly tellDead: (group: number, ranges: readonly SymbolRange[]) => Promise<void>;
  readonly sendLetters: (letters: readonly DeadLetter[]) => Promise<void>;
}

/** The first letters that fit into one call; always at least one. */
export function oneBatch(letters: readonly DeadLetter[]): readonly DeadLetter[] {
  const encoder = new TextEncoder();
  let bytes = 0;
  const fitting = letters.slice(0, MAX_LETTERS).findIndex((letter, index) => {
    bytes += encoder.encode(JSON.stringify(letter)).length;
    return index > 0 && bytes > MAX_BATCH_BYTES;
  });
  return letters.slice(0, fitting === -1 ? MAX_LETTERS : fitting);
}

/**
 * Tells the groups, then sends the letters: in this order, because a letter that is confirmed is never sent
 * again. Answers the letters that are on their way; a group that is away holds back its own alone.
 */
export async function postLetters(
  letters: readonly DeadLetter[],
  { tellDead, sendLetters }: LetterPost,
): Promise<readonly DeadLetter[]> {
  // A group keeps the holes of minutes only.
  const told = letters.filter(({ interval }) => interval !== "1m");
  const minutes = letters.filter(({ interval }) => interval === "1m");
  for (const [group, own] of Map.groupBy(minutes, (letter) => letter.group)) {
    try {
      await tellDead(group, own.map(rangeOf));
      told.push(...own);
    } catch (error) {
      log("warn", "a group was not told of its dead holes", { group, error: errorText(error) });
    }
  }
  if (told.length === 0) return [];
  try {
    await sendLetters(told);
  } catch (error) {
    log("warn", "dead letters were not sent", { count: told.length, error: errorText(error) });
    return [];
  }
  return told;
}

function rangeOf({ symbol, start_ms: startMs, end_ms: endMs }: DeadLetter): SymbolRange {
  return { symbol, startMs, endMs };
}
