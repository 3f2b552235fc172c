import type { Feed, ProviderId } from "./provider-id.ts";
import { FEEDS, PROVIDER_IDS } from "./provider-id.ts";
import type { EpochMs } from "./time.ts";

/** Who gave a belief: a provider and one of its feeds. */
export interface Source {
  readonly provider: ProviderId;
  readonly feed: Feed;
}

/** 64-bit fingerprint of a bar's values, as two unsigned 32-bit halves. */
export type Fingerprint = readonly [number, number];

/**
 * What the group believes about one minute of one symbol.
 * - `unknown`: no complete answer has covered it.
 * - `absent`: a complete answer had no bar, but it was asked before the minute had settled.
 * - `no_trade`: a complete answer asked after it had settled had no bar.
 * - `doubted`: only answers that were not plausible have covered it; `times` of them came when no
 *   other provider could be asked.
 * - `bar`: the values with this fingerprint, given by `source`, at this revision (0 = first).
 * - `unfillable`: an operator gave the hole up.
 * - `lost`: there was a bar, and Postgres does not hold it, or not with these values. It is missing, and
 *   whoever brings it again makes the next revision, so that its history has no break.
 * `askedAt` is when the last request that this belief rests on was sent, ms.
 */
export type Belief =
  | { readonly state: "unknown" }
  | { readonly state: "unfillable" }
  | { readonly state: "absent"; readonly askedAt: EpochMs }
  | { readonly state: "no_trade"; readonly askedAt: EpochMs }
  | { readonly state: "doubted"; readonly askedAt: EpochMs; readonly times: number }
  | {
      readonly state: "bar";
      readonly source: Source;
      readonly revision: number;
      readonly askedAt: EpochMs;
      readonly fingerprint: Fingerprint;
    }
  | {
      readonly state: "lost";
      readonly source: Source;
      readonly revision: number;
      readonly askedAt: EpochMs;
    };

export const UNKNOWN: Belief = { state: "unknown" };

// Append-only: the place of a state is what is stored.
const STATES = ["unknown", "absent", "no_trade", "bar", "unfillable", "doubted", "lost"] as const;
const IS_COMPLETE = STATES.map((state) => ["no_trade", "bar", "unfillable"].includes(state));
// state u8, source u8 (provider high nibble, feed low), revision or times u16, fingerprint 2 x u32,
// askedAt f64
const SLOT_BYTES = 20;
const MAX_REVISION = 0xffff;

/** The beliefs of all members of a group about one minute, by slot; one compact blob in storage. */
export class MinuteBeliefs {
  #bytes: Uint8Array;
  #view: DataView;

  constructor(slots: number, stored?: Uint8Array) {
    const length = Math.max(slots * SLOT_BYTES, stored?.byteLength ?? 0);
    if (length % SLOT_BYTES !== 0) throw new RangeError("a stored minute is not whole slots");
    this.#bytes = new Uint8Array(length);
    if (stored !== undefined) this.#bytes.set(stored);
    this.#view = new DataView(this.#bytes.buffer);
  }

  get slots(): number {
    return this.#bytes.byteLength / SLOT_BYTES;
  }

  get(slot: number): Belief {
    if (slot >= this.slots) return UNKNOWN;
    const at = slot * SLOT_BYTES;
    const state = STATES[this.#view.getUint8(at)] ?? "unknown";
    if (state === "unknown" || state === "unfillable") return { state };
    const askedAt = this.#view.getFloat64(at + 12);
    if (state === "doubted") return { state, askedAt, times: this.#view.getUint16(at + 2) };
    if (state !== "bar" && state !== "lost") return { state, askedAt };
    const source = sourceFromCode(this.#view.getUint8(at + 1));
    const revision = this.#view.getUint16(at + 2);
    if (state === "lost") return { state, source, revision, askedAt };
    return {
      state,
      source,
      revision,
      askedAt,
      fingerprint: [this.#view.getUint32(at + 4), this.#view.getUint32(at + 8)],
    };
  }

  /**
   * Whether the minute of a slot is bar, no_trade or unfillable: `isComplete` of its belief, without making
   * one. Asked of every member and minute when holes are looked for.
   */
  isComplete(slot: number): boolean {
    return IS_COMPLETE[this.#bytes[slot * SLOT_BYTES] ?? 0] === true;
  }

  set(slot: number, belief: Belief): void {
    if (slot >= this.slots)
      throw new RangeError(`slot ${slot} is beyond the ${this.slots} of this minute`);
    const at = slot * SLOT_BYTES;
    this.#bytes.fill(0, at, at + SLOT_BYTES);
    this.#view.setUint8(at, STATES.indexOf(belief.state));
    if (belief.state === "unknown" || belief.state === "unfillable") return;
    this.#view.setFloat64(at + 12, belief.askedAt);
    if (belief.state === "doubted") this.#view.setUint16(at + 2, belief.times);
    if (belief.state !== "bar" && belief.state !== "lost") return;
    if (belief.revision > MAX_REVISION) throw new RangeError("a bar has been revised too often");
    this.#view.setUint8(at + 1, codeOfSource(belief.source));
    this.#view.setUint16(at + 2, belief.revision);
    if (belief.state === "lost") return;
    this.#view.setUint32(at + 4, belief.fingerprint[0]);
    this.#view.setUint32(at + 8, belief.fingerprint[1]);
  }

  /** The blob to store; the caller does not keep it beyond the write. */
  encode(): Uint8Array {
    return this.#bytes;
  }
}

function codeOfSource(source: Source): number {
  return (PROVIDER_IDS.indexOf(source.provider) << 4) | FEEDS.indexOf(source.feed);
}

function sourceFromCode(code: number): Source {
  const provider = PROVIDER_IDS[code >> 4];
  const feed = FEEDS[code & 0x0f];
  if (provider === undefined || feed === undefined)
    throw new RangeError(`unknown source code ${code}`);
  return { provider, feed };
}
