import { vi } from "vitest";
import { wallClock } from "../../../src/platform/clocks.ts";

/** Stops the machine's time; answers the hand that moves it on. */
export function stopWall(): { readonly pass: (ms: number) => void; readonly now: () => number } {
  let nowMs = wallClock.now();
  vi.spyOn(wallClock, "now").mockImplementation(() => nowMs);
  return { pass: (ms) => void (nowMs += ms), now: () => nowMs };
}
