import { CLOSE_CODES, STREAM_CODES } from "../contracts/stream.ts";
import { MINUTE_MS, SECOND_MS } from "../domain/time.ts";

/** Subscription frames of a connection that are served in a second; what is beyond waits its turn. */
const FRAMES_A_SECOND = 10;
/** While a connection is served at full pace, between two of its frames. */
export const FRAME_GAP_MS = SECOND_MS / FRAMES_A_SECOND;

/** Errors that count against a client: how many of each a minute forgives, and the close after that. */
const OFFENCES: ReadonlyMap<number, { readonly forgiven: number; readonly close: number }> =
  new Map([
    [STREAM_CODES.syntax, { forgiven: 10, close: CLOSE_CODES.rate }],
    [STREAM_CODES.tooFast, { forgiven: 10, close: CLOSE_CODES.rate }],
    [STREAM_CODES.symbolLimit, { forgiven: 3, close: CLOSE_CODES.symbolLimit }],
  ]);

/**
 * How a client behaves: the pace of its requests and the errors that it was answered with. In memory
 * only: an object with an offender does not hibernate.
 */
export class Conduct {
  /** When the last of the frames so far would be served at an even pace, wall ms. */
  #evenMs = 0;
  #windowFromMs = -Infinity;
  #errors = new Map<number, number>();
  #fresh: number[] = [];

  /** Takes one request's turn (GCRA, ITU-T I.371); answers how long it has to wait, ms. */
  takeTurn(nowMs: number): number {
    const waitMs = this.#evenMs - (FRAMES_A_SECOND - 1) * FRAME_GAP_MS - nowMs;
    this.#evenMs = Math.max(this.#evenMs, nowMs) + FRAME_GAP_MS;
    // Requests wait for each other, so the one before has waited already.
    return Math.min(Math.max(waitMs, 0), FRAME_GAP_MS);
  }

  /** An error was answered. */
  note(code: number): void {
    if (OFFENCES.has(code)) this.#fresh.push(code);
  }

  /** The code to close with, when more was noted within a minute than is forgiven; else null. */
  judge(nowMs: number): number | null {
    const fresh = this.#fresh;
    if (fresh.length === 0) return null;
    this.#fresh = [];
    if (nowMs - this.#windowFromMs >= MINUTE_MS) {
      this.#windowFromMs = nowMs;
      this.#errors.clear();
    }
    for (const code of fresh) this.#errors.set(code, (this.#errors.get(code) ?? 0) + 1);
    for (const [code, { forgiven, close }] of OFFENCES) {
      if ((this.#errors.get(code) ?? 0) > forgiven) return close;
    }
    return null;
  }
}
