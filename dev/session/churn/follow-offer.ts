import type { Handoff } from "../../../src/contracts/stream.ts";
import { formatToken } from "../../../src/stream/token.ts";
import { type HandoffPart, isDiff } from "../handoff.ts";
import type { ConversationDeps } from "./conversation-deps.ts";
import { reasonOf } from "./resume-tally.ts";
import type { Choice } from "./wants.ts";

/** A flush without rows on the socket: what each of a diff's would have added to its rows. */
const FLUSH_CHARS = 150;

/** What was handed off, to whom. */
export interface OfferToFollow {
  readonly stream: string;
  readonly choice: Choice;
  readonly offer: Handoff;
  /** The epoch in which the socket goes on. */
  readonly epoch: string;
  /** What the socket replayed of the same connection's other streams. */
  readonly otherChars: () => number;
  readonly isOver: () => boolean;
}

/** A hand-off under way. */
export interface FollowedOffer {
  /** Resolves when all of it is in the book, rejects when it can't be had. */
  readonly fetched: Promise<void>;
  /** Counts it by its reason; to be called once it is complete. */
  readonly count: () => void;
}

/** Fetches what was handed off into the client's book, up to where the socket goes on. */
export function followOffer(
  deps: Pick<
    ConversationDeps,
    "book" | "rows" | "reader" | "tally" | "follow" | "hasLeftLog" | "fault"
  >,
  handed: OfferToFollow,
): FollowedOffer {
  const { book, tally } = deps;
  const { stream, choice, offer, epoch } = handed;
  const from = book.positions.get(stream);
  const byDiff = isDiff(offer.url);
  let chars = byDiff ? FLUSH_CHARS * Math.max(0, offer.join_fs - 1 - (from?.fs ?? 0)) : 0;
  const fetch = async (): Promise<void> => {
    for await (const part of deps.follow(offer, choice)) {
      if (handed.isOver()) return;
      chars += takePart(deps, handed, part);
    }
  };
  const count = async (): Promise<void> => {
    const reason = await reasonOf({
      sameEpoch: from?.epoch === epoch,
      chars,
      otherChars: handed.otherChars(),
      hasLeftLog: () =>
        from === undefined ? Promise.resolve(true) : deps.hasLeftLog(formatToken([[stream, from]])),
    });
    tally.handedOff[reason] += 1;
    tally.by[byDiff ? "diff" : "replay"] += 1;
  };
  return {
    fetched: fetch(),
    count: () => {
      tally.uncounted += 1;
      void count()
        .catch((error: unknown) =>
          deps.fault(`why ${stream} was handed off is not known: ${String(error)}`),
        )
        .finally(() => (tally.uncounted -= 1));
    },
  };
}

/** Answers how long what came would have been on the socket. */
function takePart(
  { book, rows, reader }: Pick<ConversationDeps, "book" | "rows" | "reader">,
  { stream, offer, epoch }: OfferToFollow,
  part: HandoffPart,
): number {
  if (part.kind === "flushes") {
    const flushes = part.frames.map((frame) => reader.flush(frame, JSON.stringify(frame).length));
    for (const flush of flushes) book.take(flush);
    return flushes.reduce((sum, flush) => sum + flush.chars, 0);
  }
  const ids = part.beliefs.map((belief) => rows.idOf(belief)).filter((id) => id !== null);
  book.takeRows(stream, ids, { epoch, fs: offer.join_fs - 1, at: part.untilMs });
  return part.beliefs.reduce((sum, belief) => sum + belief.chars, 0);
}
