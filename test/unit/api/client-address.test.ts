import { describe, expect, it } from "vitest";
import { clientAddress } from "../../../src/api/client-address.ts";

describe("whom a request without a key is counted for", () => {
  it.each([
    ["203.0.113.7", "203.0.113.7"],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
    ["2001:DB8:0001:0002::1", "2001:db8:1:2::/64"],
    ["2001:db8::", "2001:db8:0:0::/64"],
    ["2001:db8::1", "2001:db8:0:0::/64"],
    ["::1", "0:0:0:0::/64"],
    ["::ffff:203.0.113.7", "::ffff:203.0.113.7"],
    ["", "unknown"],
    [undefined, "unknown"],
  ])("is of %s %s", (header, expected) => {
    expect(clientAddress(header)).toBe(expected);
  });

  it("is one for a whole network, and a short text whatever comes", () => {
    const of = (end: string) => clientAddress(`2001:db8:a:b:${end}`);
    expect(new Set(["0:0:0:1", "ffff:ffff:ffff:ffff", ":1"].map(of)).size).toBe(1);
    expect(clientAddress("x".repeat(10_000)).length).toBeLessThan(100);
  });
});
