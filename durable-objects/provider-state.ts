import { createDurable } from "itty-durable";
import { type BreakerStorage, breakerStorageSchema } from "../src/routing/breaker-storage.ts";

/** The itty-durable state of a provider: plain properties, written as one value by `persist()`. */
export class ProviderState extends createDurable() {
  breakers: BreakerStorage["breakers"] = {};
  credits: BreakerStorage["credits"] = null;
  isolation: BreakerStorage["isolation"] = { revision: 0, isolated: null };
  entitlements: BreakerStorage["entitlements"] = {};
  correction: BreakerStorage["correction"] = null;
  #loaded = false;

  /** Only what is named here is stored: the library would take every own property. */
  override getPersistable(): BreakerStorage {
    const { breakers, credits, isolation, entitlements, correction } = this;
    return { breakers, credits, isolation, entitlements, correction };
  }

  /** Loads once; what storage holds was written by an earlier version of this code, so it is parsed. */
  async load(): Promise<void> {
    if (this.#loaded) return;
    await this.loadFromStorage();
    Object.assign(this, breakerStorageSchema.parse(this.getPersistable()));
    this.#loaded = true;
  }
}
