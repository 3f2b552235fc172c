import { describe, expect, it } from "vitest";
import { parseSessionOptions } from "../../../dev/session/options.ts";

describe("the options of a session", () => {
  it("play all dates of a file, regular hours only, unless told otherwise", () => {
    expect(parseSessionOptions([])).toMatchObject({ dates: Infinity, sessions: ["regular"] });
    const told = parseSessionOptions(["--dates", "2", "--sessions", "post,pre,regular"]);
    expect(told).toMatchObject({ dates: 2, sessions: ["pre", "regular", "post"] });
  });

  it.each([
    ["--sessions", "overnight"],
    ["--sessions", "regular,"],
    ["--dates", "0"],
    ["--dates", "x"],
  ])("refuse %s %s", (name, value) => {
    expect(() => parseSessionOptions([name, value])).toThrow(name);
  });
});
