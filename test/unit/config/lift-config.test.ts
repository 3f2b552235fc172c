import { describe, expect, it } from "vitest";
import { type Lift, liftConfig, readConfig, readLifted } from "../../../src/config/lift-config.ts";
import { serviceConfigSchema } from "../../../src/contracts/config.ts";

/** 1 -> 2 renames a field, 2 -> 3 gives another one its value of before. */
const LIFTS: readonly Lift[] = [
  ({ timeout, ...rest }) => ({ ...rest, timeout_ms: timeout }),
  (config) => ({ ...config, cap: config["cap"] ?? 7 }),
];

describe("a stored configuration", () => {
  it("is lifted form by form to the one that is read", () => {
    expect(liftConfig({ schema_version: 1, timeout: 5 }, LIFTS, 3)).toEqual({
      config: { schema_version: 3, timeout_ms: 5, cap: 7 },
    });
    expect(liftConfig({ schema_version: 2, timeout_ms: 5, cap: 1 }, LIFTS, 3)).toEqual({
      config: { schema_version: 3, timeout_ms: 5, cap: 1 },
    });
    expect(liftConfig({ schema_version: 3 }, LIFTS, 3)).toEqual({ config: { schema_version: 3 } });
  });

  it("is not changed by being lifted", () => {
    const stored = Object.freeze({ schema_version: 1, timeout: 5 });
    liftConfig(stored, LIFTS, 3);
    expect(stored).toEqual({ schema_version: 1, timeout: 5 });
  });

  it.each([
    [{ schema_version: 4 }, "its schema_version is 4, and this release reads up to 3"],
    [{}, "its schema_version is no number"],
    [{ schema_version: 0.5 }, "its schema_version is no number"],
    [null, "it is no object"],
    [{ schema_version: 2 }, "nothing leads from schema_version 2 on"],
  ])("%j can't be lifted: %s", (stored, reason) => {
    expect(liftConfig(stored, LIFTS.slice(0, 1), 3)).toEqual({ reason });
  });

  it("is read whole, or with the reason why not and where", () => {
    const config = serviceConfigSchema.parse({ timeout_ms: 700 });
    expect(readConfig(JSON.stringify(config))).toEqual({ ok: true, config });
    expect(readConfig("{")).toEqual({ ok: false, reason: "it is no object" });
    expect(readConfig('{"schema_version":1,"later":1}')).toEqual({
      ok: false,
      reason: "$.later: there is no such field",
    });
    expect(readConfig('{"schema_version":99}')).toMatchObject({ ok: false });
    expect(readLifted('{"schema_version":99}')).toEqual({ schema_version: 99 });
  });
});
