import { describe, expect, it } from "vitest";
import { mayUse, roleOf } from "../../../src/api/route-role.ts";
import { KEY_ROLES } from "../../../src/contracts/keys.ts";

describe("the role that a path asks for", () => {
  it("is that of operators unless the path is known to be for others", () => {
    for (const path of [
      "/ops/keys",
      "/ops",
      "/",
      "",
      "/console",
      "/V1/bars",
      "/v1",
      "/wsx",
      "//v1/",
    ])
      expect([path, roleOf(path)]).toEqual([path, "ops"]);
    for (const path of ["/v1/bars", "/ws", "/ws/replay", "/providers", "/providers/alpaca"])
      expect([path, roleOf(path)]).toEqual([path, "read"]);
  });
});

describe("a key", () => {
  it("of role ops may do all, any other one what is for its role, and all may do what is public", () => {
    const may = KEY_ROLES.map((role) =>
      (["public", ...KEY_ROLES] as const).filter((asked) => mayUse(role, asked)),
    );
    expect(may).toEqual([
      ["public", "read"],
      ["public", "metrics"],
      ["public", "read", "metrics", "ops"],
    ]);
  });
});
