import { describe, expect, it } from "vitest";
import { createApp } from "../../src/api/app.ts";
import { openApiDocument, operationsOf, responsesOf } from "../../src/api/openapi.ts";
import { docsPage } from "../../src/api/docs-page.ts";
import { DAY_FILE_COLUMNS } from "../../src/postgres/day-file-store.ts";
import { barViewSchema } from "../../src/api/bar-view.ts";

const app = createApp();
const document = openApiDocument(app);
const operations = operationsOf(document);

describe("the OpenAPI document", () => {
  it("has every route of the service, and no other", () => {
    const routes = app.routes
      .filter(({ method }) => method !== "ALL")
      .map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)/g, "{$1}")}`);
    const described = operations.map(({ method, path }) => `${method.toUpperCase()} ${path}`);
    expect(described.toSorted()).toEqual(routes.toSorted());
    expect(routes).toContain("GET /v1/bars/{symbol}/revisions");
  });

  it("says of each what it is, who may use it, and every part of its path", () => {
    for (const { path, method, operation } of operations) {
      const name = `${method} ${path}`;
      expect(operation.summary?.length, name).toBeGreaterThan(10);
      const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, part]) => part);
      const told = (operation.parameters ?? []).flatMap((one) =>
        "in" in one && one.in === "path" ? [one.name] : [],
      );
      expect(told, name).toEqual(inPath);
    }
    const roles = new Map(
      operations.map(({ path, operation }) => [
        path,
        operation.security?.[0]?.["key"]?.[0] ?? null,
      ]),
    );
    expect(["/health", "/metrics", "/v1/bars", "/ops/slo"].map((path) => roles.get(path))).toEqual([
      null,
      "metrics",
      "read",
      "ops",
    ]);
    const ids = operations.map(({ operation }) => operation.operationId);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it("names the problems of each, as problem details, and the forms of rows", () => {
    for (const { path, method, operation } of operations) {
      if (path === "/health") continue;
      const refusals = Object.entries(responsesOf(operation)).filter(([s]) => Number(s) >= 400);
      expect(refusals.length, `${method} ${path}`).toBeGreaterThan(1);
      for (const [, { content }] of refusals)
        expect(Object.keys(content ?? {})).toContain("application/problem+json");
    }
    for (const list of ["/v1/bars", "/v1/bars/diff"]) {
      const found = operations.find(({ path }) => path === list);
      const responses = found === undefined ? {} : responsesOf(found.operation);
      expect(Object.keys(responses), list).toEqual(
        expect.arrayContaining(["200", "400", "401", "406", "409", "422", "500", "503"]),
      );
      expect(Object.keys(responses["200"]?.content ?? {}), list).toEqual([
        "application/json",
        "application/x-ndjson",
        "text/csv",
      ]);
    }
  });
});

describe("the reference page", () => {
  it("has every operation, and loads and runs nothing", () => {
    const page = docsPage(document);
    for (const { operation } of operations) expect(page).toContain(`id="${operation.operationId}"`);
    expect(page).not.toMatch(/<script|src=|@import|url\(|https?:\/\//);
  });

  it("writes what a description has as text", () => {
    const spiked = structuredClone(document);
    spiked.info.title = "<img src=x onerror=alert(1)>";
    expect(docsPage(spiked)).not.toContain("<img");
  });
});

describe("a day file", () => {
  it("has the columns of a bar", () => {
    expect([...DAY_FILE_COLUMNS]).toEqual(Object.keys(barViewSchema.shape));
  });
});
