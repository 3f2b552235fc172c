import { describe, expect, it } from "vitest";
import { chooseProfile, readStorageProfile } from "../../dev/database/storage-profile.ts";

const APACHE = "its TimescaleDB is the Apache edition";

describe("the storage profile", () => {
  it("is the better one that the server can store, when nobody asks", () => {
    expect(chooseProfile({ asked: null, recorded: null, lacks: null }).profile).toBe("timescale");
    expect(chooseProfile({ asked: null, recorded: "plain", lacks: null }).profile).toBe(
      "timescale",
    );
    expect(chooseProfile({ asked: null, recorded: null, lacks: APACHE })).toEqual({
      profile: "plain",
      reason: APACHE,
    });
  });

  it("is the one asked for, where that can be", () => {
    expect(chooseProfile({ asked: "plain", recorded: "plain", lacks: null }).profile).toBe("plain");
    expect(chooseProfile({ asked: "timescale", recorded: "plain", lacks: null }).profile).toBe(
      "timescale",
    );
    expect(() => chooseProfile({ asked: "timescale", recorded: null, lacks: APACHE })).toThrow(
      APACHE,
    );
  });

  it("is never taken back, nor in doubt because a server can't be asked", () => {
    expect(() => chooseProfile({ asked: "plain", recorded: "timescale", lacks: null })).toThrow(
      "no way back",
    );
    expect(chooseProfile({ asked: null, recorded: "timescale", lacks: APACHE }).profile).toBe(
      "timescale",
    );
  });

  it("is asked for by one of two words", () => {
    expect(readStorageProfile(undefined)).toBeNull();
    expect(readStorageProfile("")).toBeNull();
    expect(readStorageProfile("plain")).toBe("plain");
    expect(() => readStorageProfile("Timescale")).toThrow(
      'STORAGE_PROFILE is "Timescale": it must be plain or timescale',
    );
  });
});
