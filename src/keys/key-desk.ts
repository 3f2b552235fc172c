import {
  BOOTSTRAP_ID,
  DEFAULT_KEY_LIMITS,
  type KeyGrant,
  type KeyLimits,
  type KeyLookup,
  type KeyRole,
  type KeyUse,
} from "../contracts/keys.ts";
import { errorText, log } from "../platform/log.ts";
import { GrantCache } from "./grant-cache.ts";
import { keyStanding } from "./key-standing.ts";
import { digestOf, isMadeKey, isSameDigest } from "./key-text.ts";
import { UseTally } from "./use-tally.ts";

/** Uses are counted for so long before they are told. */
const REPORT_MS = 5_000;
/** A request whose end should have told them may have been cut off: another one does. */
const REPORT_LOST_MS = 30_000;

/** Whose a request is. */
export interface KeyHolder {
  readonly id: string;
  readonly role: KeyRole;
  readonly limits: KeyLimits;
}

/** What a key was found to be. `ended`: the holder is told, for it is known who asks. */
export type KeyCheck =
  | { readonly kind: "valid"; readonly holder: KeyHolder }
  | { readonly kind: "ended"; readonly holder: KeyHolder; readonly why: "expired" | "revoked" }
  | { readonly kind: "unknown" }
  | { readonly kind: "turned_away" }
  | { readonly kind: "unavailable" };

/** What the desk needs: the book in ConfigStore, the secret, and the machine's time. */
export interface KeyDeskDeps {
  readonly bootstrapKey: string;
  readonly readGrant: (lookup: KeyLookup) => Promise<KeyGrant | null>;
  readonly addUses: (uses: readonly KeyUse[]) => Promise<void>;
  readonly now: () => number;
  readonly sleep: (delayMs: number) => Promise<void>;
}

/** The bootstrap key has the highest rate: it is what an operator has when all else fails. */
const BOOTSTRAP: KeyHolder = {
  id: BOOTSTRAP_ID,
  role: "ops",
  limits: { ...DEFAULT_KEY_LIMITS, requestsPerMinute: 6_000 },
};

/** Judges keys for one isolate, and counts how they are used. */
export class KeyDesk {
  #deps: KeyDeskDeps;
  #cache: GrantCache;
  #tally = new UseTally();
  #bootstrapDigest: string | null = null;
  /** Until when a report is under way, wall ms. */
  #reportingUntilMs = 0;

  constructor(deps: KeyDeskDeps) {
    this.#deps = deps;
    this.#cache = new GrantCache({ read: deps.readGrant, now: deps.now });
  }

  /** Judges the text of a key. `admit`: whether one that is not known here may be looked up for its sender. */
  async check(text: string, admit: () => Promise<boolean>): Promise<KeyCheck> {
    this.#bootstrapDigest ??= await digestOf(this.#deps.bootstrapKey);
    const digest = await digestOf(text);
    if (isSameDigest(digest, this.#bootstrapDigest)) return { kind: "valid", holder: BOOTSTRAP };
    if (isMadeKey(text)) return await this.#find({ digest }, admit);
    return (await admit()) ? { kind: "unknown" } : { kind: "turned_away" };
  }

  /** Judges the key of an id, whose holder has proved himself by something that it was exchanged for. */
  async checkId(id: string): Promise<KeyCheck> {
    if (id === BOOTSTRAP_ID) return { kind: "valid", holder: BOOTSTRAP };
    return await this.#find({ id }, async () => true);
  }

  /** Counts a request of a key. */
  note(id: string, refused: boolean): void {
    this.#tally.note(id, refused, this.#deps.now());
  }

  /**
   * Tells the book what was counted, in a while: a promise for the request to be kept alive by. Null when an
   * earlier one will do it.
   */
  reportLater(): Promise<void> | null {
    const nowMs = this.#deps.now();
    if (nowMs < this.#reportingUntilMs) return null;
    this.#reportingUntilMs = nowMs + REPORT_LOST_MS;
    return this.#deps.sleep(REPORT_MS).then(async () => {
      this.#reportingUntilMs = 0;
      await this.report();
    });
  }

  /** Tells the book what was counted. An answer that is lost makes it count twice, never less. */
  async report(): Promise<void> {
    const uses = this.#tally.take();
    if (uses.length === 0) return;
    try {
      await this.#deps.addUses(uses);
    } catch (error) {
      this.#tally.putBack(uses);
      log("warn", "the use of keys could not be told", { error: errorText(error) });
    }
  }

  async #find(lookup: KeyLookup, admit: () => Promise<boolean>): Promise<KeyCheck> {
    const found = await this.#cache.find(lookup, admit);
    if (found.kind === "unavailable") {
      log("error", "a key could not be looked up", { error: errorText(found.error) });
      return { kind: "unavailable" };
    }
    if (found.kind !== "known") return found;
    const { id, role, limits } = found.grant;
    const standing = keyStanding(found.grant, this.#deps.now());
    const holder = { id, role, limits };
    return standing === "valid"
      ? { kind: "valid", holder }
      : { kind: "ended", holder, why: standing };
  }
}
