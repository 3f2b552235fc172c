import { parseFlush } from "../contracts/flush.ts";
import { FrameCache, MAX_FRAME_CHARS } from "./frames.ts";

/** Every group's flush of a minute, and some more. */
const MAX_FLUSHES = 64;
/** A larger one is a fetch of many minutes: it does not come to many hosts at once. */
const MAX_PAYLOAD_CHARS = 64 * 1_024;

/**
 * Hosts that live in one isolate are handed the same flushes: each is read, and written out for each view, once.
 * Nothing of it is state: a flush is what its text says.
 */
const known = new Map<string, FrameCache>();

/** The flush of a payload, with the frames that were made of it; throws as `parseFlush`. */
export function framesOf(payload: string): FrameCache {
  const cached = known.get(payload);
  if (cached !== undefined) return cached;
  if (payload.length > MAX_PAYLOAD_CHARS) return new FrameCache(parseFlush(payload));
  const frames = new FrameCache(parseFlush(payload), forgetOldest);
  known.set(payload, frames);
  forgetOldest();
  return frames;
}

/** Forgets flushes until there are few enough, and few enough frames of them. */
function forgetOldest(): void {
  let chars = 0;
  for (const frames of known.values()) chars += frames.chars;
  for (const [payload, oldest] of known) {
    if (known.size <= MAX_FLUSHES && chars <= MAX_FRAME_CHARS) break;
    known.delete(payload);
    chars -= oldest.chars;
  }
}
