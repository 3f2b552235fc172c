import { describe, expect, it } from "vitest";
import { negotiate } from "../../../src/api/negotiate.ts";

describe("the form of an answer", () => {
  it("is JSON for whoever says nothing or takes anything, browsers included", () => {
    for (const accept of [
      undefined,
      "",
      "*/*",
      "application/*",
      "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    ]) {
      expect(negotiate(accept)).toBe("json");
    }
  });

  it("is what is asked for, whatever its case and parameters", () => {
    expect(negotiate("text/csv")).toBe("csv");
    expect(negotiate("Text/CSV; header=present")).toBe("csv");
    expect(negotiate("text/*")).toBe("csv");
    expect(negotiate("application/x-ndjson, application/json;q=0.5")).toBe("ndjson");
  });

  it("is the one of highest quality, the first offered between equals", () => {
    expect(negotiate("text/csv;q=0.4, application/json;q=0.3")).toBe("csv");
    expect(negotiate("text/csv, application/json")).toBe("json");
    expect(negotiate("text/csv, application/json", ["csv", "json"])).toBe("csv");
  });

  it("is said by the most specific range: a refused form is not taken by a wider one", () => {
    expect(negotiate("application/json;q=0, */*")).toBe("ndjson");
    expect(negotiate("application/*;q=0.1, */*;q=0.9")).toBe("csv");
  });

  it("is none when nothing that is offered is accepted", () => {
    for (const accept of ["image/png", "*/*;q=0", "text/csv;q=2", "json", "a/b/c", ";;,,"]) {
      expect(negotiate(accept)).toBeNull();
    }
    expect(negotiate("text/csv", ["json"])).toBeNull();
  });
});
