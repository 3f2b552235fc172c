import {
  MAX_CONNECTION_REPLAY_BYTES,
  MAX_STREAM_REPLAY_BYTES,
} from "../../../src/contracts/stream.ts";

/** Why a resumed stream was handed off. `needless`: it was in the buffer, and should have come by the socket. */
export type HandoffReason = "aged_out" | "too_large" | "other_epoch" | "needless";

const MAX_FAULTS = 20;

/** How the resumed streams of all clients came out; a stream counts once for each connection that resumes it. */
export class ResumeTally {
  /** Replayed on the socket, with a trailer that matched in number and checksum. */
  recovered = 0;
  /** Fetched over HTTP as told, to the end. */
  readonly handedOff: Record<HandoffReason, number> = {
    aged_out: 0,
    too_large: 0,
    other_epoch: 0,
    needless: 0,
  };
  /** Of the handed off: by which route. */
  readonly by = { diff: 0, replay: 0 };
  /** Streams of quotes that were resumed by their last values. */
  snapshots = 0;
  /** The connection ended before: the next one resumed. */
  interrupted = 0;
  /** Neither of these: whoever has everything has it by luck. */
  unproven = 0;
  /** Streams that began a new epoch under a connection. */
  epochs = 0;
  /** Requests that the service asked to send again. */
  refused = 0;
  changes = 0;
  /** Hand-offs that are complete and whose reason is being asked for. */
  uncounted = 0;
  faults: string[] = [];
  #faultCount = 0;

  fault(text: string): void {
    this.#faultCount += 1;
    if (this.faults.length < MAX_FAULTS) this.faults.push(text);
  }

  get faultCount(): number {
    return this.#faultCount;
  }

  /** Of the streams of bars that were in the buffer, the share that came by the socket, in per cent. */
  recoveredPct(): number {
    const inside = this.insideBuffer();
    return inside === 0 ? 100 : Math.floor((1_000 * this.recovered) / inside) / 10;
  }

  insideBuffer(): number {
    return this.recovered + this.handedOff.needless + this.unproven;
  }
}

/** A handed-off stream, and what is known of it when it has been fetched. */
export interface HandedOff {
  readonly sameEpoch: boolean;
  /** What its replay would have been on the socket, and what the others of the same resume were. */
  readonly chars: number;
  readonly otherChars: number;
  /** Asked only when neither epoch nor size say why. */
  readonly hasLeftLog: () => Promise<boolean>;
}

/** Why it was handed off: as it had to be, or needlessly. */
export async function reasonOf(handedOff: HandedOff): Promise<HandoffReason> {
  const { sameEpoch, chars, otherChars, hasLeftLog } = handedOff;
  if (!sameEpoch) return "other_epoch";
  if (chars > MAX_STREAM_REPLAY_BYTES || chars + otherChars > MAX_CONNECTION_REPLAY_BYTES)
    return "too_large";
  return (await hasLeftLog()) ? "aged_out" : "needless";
}
