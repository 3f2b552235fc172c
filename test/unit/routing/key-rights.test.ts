import { describe, expect, it } from "vitest";
import type { Capability, ProviderId } from "../../../src/domain/provider-id.ts";
import { HOUR_MS, MINUTE_MS } from "../../../src/domain/time.ts";
import { breakerStorageSchema } from "../../../src/routing/breaker-storage.ts";
import { type Entitlement, REFUSAL_HOLDS_MS } from "../../../src/routing/entitlement.ts";
import {
  type ConfiguredKey,
  type KeyRights,
  keyStanding,
  learnEntitlement,
  tryKey,
} from "../../../src/routing/key-rights.ts";

const NOW_MS = 1_774_013_400_000;
const NEW: KeyRights = { entitlements: {}, correction: null };
const key = (provider: ProviderId, delayMs: ConfiguredKey["delayMs"] = 0): ConfiguredKey => ({
  provider,
  account: 7,
  delayMs,
});
const said = (state: Entitlement["state"], atMs = NOW_MS): Entitlement => ({
  state,
  message: `it said ${state}`,
  atMs,
});

/** What a key may after it was told these things, at the time of the last. */
function after(configured: ConfiguredKey, told: readonly [Capability, Entitlement][]): KeyRights {
  return told.reduce(
    (rights, [capability, entitlement]) =>
      learnEntitlement(rights, capability, entitlement, configured),
    NEW,
  );
}

describe("a key that was refused", () => {
  const alpaca = key("alpaca");
  const refused = after(alpaca, [["quotes_l1", said("not_entitled")]]);
  const rightAt = (rights: KeyRights, afterMs: number, configured = alpaca) =>
    keyStanding(rights, "quotes_l1", configured, NOW_MS + afterMs).right;

  it("is held back for that capability alone, for a stated time, and then tried once", () => {
    const holdsMs = REFUSAL_HOLDS_MS.not_entitled;
    expect(rightAt(refused, holdsMs - 1)).toBe("refused");
    expect(keyStanding(refused, "bars_1m", alpaca, NOW_MS)).toEqual({
      right: "granted",
      correction: null,
    });
    expect(tryKey(refused, "quotes_l1", alpaca, NOW_MS + holdsMs - 1)).toBeNull();
    const tried = tryKey(refused, "quotes_l1", alpaca, NOW_MS + holdsMs);
    if (tried === null) throw new Error("it may be tried now");
    expect(rightAt(refused, holdsMs)).toBe("retry");
    expect(rightAt(tried, holdsMs)).toBe("refused");
    expect(tryKey(tried, "quotes_l1", alpaca, NOW_MS + holdsMs)).toBeNull();
    // The try was lost: another one after the same time.
    expect(rightAt(tried, 2 * holdsMs)).toBe("retry");
  });

  it("is tried at once when key, host or plan are others", () => {
    const other = { ...alpaca, account: 8 };
    expect(rightAt(refused, 0, other)).toBe("retry");
    const tried = tryKey(refused, "quotes_l1", other, NOW_MS);
    if (tried === null) throw new Error("it may be tried now");
    expect(rightAt(tried, 0, other)).toBe("refused");
  });

  it("is free again when the try went well", () => {
    const granted = learnEntitlement(refused, "quotes_l1", said("granted", NOW_MS + 1), alpaca);
    expect(rightAt(granted, 1)).toBe("granted");
    expect(tryKey(granted, "quotes_l1", alpaca, NOW_MS + 1)).toBe(granted);
  });

  it("for being unknown is tried a minute later: the sign-in may have been at fault", () => {
    const unknown = after(alpaca, [["bars_1m", said("unauthorized")]]);
    const at = (afterMs: number) => keyStanding(unknown, "bars_1m", alpaca, NOW_MS + afterMs).right;
    expect([at(MINUTE_MS - 1), at(MINUTE_MS)]).toEqual(["refused", "retry"]);
  });
});

describe("a refusal of minutes", () => {
  it.each<[ProviderId, Entitlement["state"], ConfiguredKey["delayMs"], ConfiguredKey["delayMs"]]>([
    ["alpaca", "not_entitled", 0, 960_000],
    ["polygon", "delayed", 0, 900_000],
    ["polygon", "not_entitled", 0, "end_of_day"],
    ["polygon", "not_entitled", 900_000, "end_of_day"],
  ])(
    "of %s by %s corrects the delay %s to %s, and it is asked on",
    (id, state, delay, corrected) => {
      const rights = after(key(id, delay), [["bars_1m", said(state)]]);
      expect(keyStanding(rights, "bars_1m", key(id, delay), NOW_MS)).toMatchObject({
        right: "granted",
        correction: { delayMs: corrected, message: `it said ${state}` },
      });
      expect(rights.entitlements.bars_1m?.state).toBe("delayed");
      expect(breakerStorageSchema.parse({ ...rights })).toMatchObject(rights);
    },
  );

  it.each<[ProviderId, Capability, ConfiguredKey["delayMs"]]>([
    ["alpaca", "bars_1m", 960_000],
    ["alpaca", "bars_1d", 0],
    ["polygon", "bars_1m", "end_of_day"],
    ["finnhub", "bars_1m", 0],
    ["iex", "quotes_l1", 0],
  ])(
    "of %s for %s with the delay %s is about the capability as a whole",
    (id, capability, delay) => {
      const rights = after(key(id, delay), [[capability, said("not_entitled")]]);
      expect(rights.correction).toBeNull();
      expect(keyStanding(rights, capability, key(id, delay), NOW_MS).right).toBe("refused");
    },
  );

  it("counts once when the calls of other jobs were under way, and holds back when it comes again", () => {
    const alpaca = key("alpaca");
    const same = after(alpaca, [
      ["bars_1m", said("not_entitled")],
      ["bars_1m", said("not_entitled", NOW_MS + 30_000)],
    ]);
    expect(keyStanding(same, "bars_1m", alpaca, NOW_MS + 30_000)).toMatchObject({
      right: "granted",
      correction: { atMs: NOW_MS },
    });
    const again = learnEntitlement(same, "bars_1m", said("not_entitled", NOW_MS + 60_000), alpaca);
    expect(keyStanding(again, "bars_1m", alpaca, NOW_MS + 60_000).right).toBe("refused");
  });

  it("is believed for an hour, and not of another key", () => {
    const alpaca = key("alpaca");
    const rights = after(alpaca, [
      ["bars_1m", said("not_entitled")],
      ["bars_1m", said("granted", NOW_MS + 60_000)],
    ]);
    const held = (afterMs: number, configured = alpaca) =>
      keyStanding(rights, "bars_1m", configured, NOW_MS + afterMs).correction !== null;
    expect([held(HOUR_MS - 1), held(HOUR_MS)]).toEqual([true, false]);
    expect(held(0, { ...alpaca, account: 8 })).toBe(false);
  });
});
