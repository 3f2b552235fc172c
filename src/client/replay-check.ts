import { Crc32c } from "../stream/crc32c.ts";
import type { ReceivedFlush } from "./server-frame.ts";

/** What ends a replay: the last flush, how many rows all had, and a checksum over their texts. */
export interface ReplayTrailer {
  readonly fs: number;
  readonly count: number;
  readonly crc32c: string;
}

/** What is wrong with a replay by its trailer; null when it can be trusted. `from`: the flush before it. */
export function replayFault(
  received: readonly ReceivedFlush[],
  trailer: ReplayTrailer,
  from: number,
): string | null {
  const crc = new Crc32c();
  let count = 0;
  for (const { frame, text } of received) {
    crc.update(text);
    count += (frame.bars?.rows.length ?? 0) + (frame.quotes?.rows.length ?? 0);
  }
  if (trailer.fs !== (received.at(-1)?.frame.fs ?? from)) return "a replay ended early";
  if (trailer.count !== count) return "a replay has another number of rows than its trailer says";
  if (trailer.crc32c !== crc.digest()) return "a replay has another checksum than its trailer says";
  return null;
}
