import { describe, expect, it } from "vitest";
import { hostName, parseHostName, REGIONS } from "../../../src/domain/host-name.ts";
import { regionOf } from "../../../src/stream/region.ts";

describe("the region of a request", () => {
  it("follows from where it came in", () => {
    const places = [
      [{ continent: "NA", country: "US", longitude: "-122.4" }, "wnam"],
      [{ continent: "NA", country: "US", longitude: "-74.0" }, "enam"],
      [{ continent: "NA", country: "US" }, "enam"],
      [{ continent: "SA", country: "BR", longitude: "-46.6" }, "sam"],
      [{ continent: "EU", country: "GB", longitude: "-0.1" }, "weur"],
      [{ continent: "EU", country: "PL", longitude: "21.0" }, "eeur"],
      [{ continent: "AS", country: "JP", longitude: "139.7" }, "apac"],
      [{ continent: "AS", country: "AE", longitude: "55.3" }, "me"],
      [{ continent: "OC", country: "AU", longitude: "151.2" }, "oc"],
      [{ continent: "AF", country: "ZA", longitude: "28.0" }, "afr"],
    ] as const;
    for (const [cf, region] of places) expect(regionOf(cf), JSON.stringify(cf)).toBe(region);
    expect(new Set(places.map(([, region]) => region))).toEqual(new Set(REGIONS));
  });

  it("is that of the groups when nothing, or nothing that can be read, is known of it", () => {
    for (const cf of [undefined, null, "EU", {}, { continent: 7 }, { continent: "AN" }, []])
      expect(regionOf(cf)).toBe("enam");
    expect(regionOf({ continent: "EU", longitude: "east" })).toBe("weur");
  });
});

describe("the name of a host", () => {
  it("says which group or which host-only instance it is, and nothing else has one", () => {
    for (const name of ["g00", "g31", "g1023", "h-weur-0", "h-me-63"]) {
      const host = parseHostName(name);
      expect(host === null ? null : hostName(host)).toBe(name);
    }
    for (const name of ["", "g", "g1", "g0x", "h-weur", "h-mars-0", "h-weur-00", "h-weur-100"])
      expect(parseHostName(name)).toBeNull();
  });
});
