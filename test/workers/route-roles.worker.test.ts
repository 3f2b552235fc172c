import { beforeEach, describe, expect, it, vi } from "vitest";
import { createApp } from "../../src/api/app.ts";
import { KEY_ROLES, type KeyRole } from "../../src/contracts/keys.ts";
import { FRESH_MS } from "../../src/keys/grant-cache.ts";
import { toIso } from "../../src/domain/time.ts";
import { ask, makeKey } from "./support/keys.ts";
import { stopWall } from "./support/wall.ts";
import { KEY, load, SYMBOL_GROUPS, useWorld } from "./support/world.ts";

useWorld();
let wall: ReturnType<typeof stopWall>;
beforeEach(() => {
  wall = stopWall();
  vi.spyOn(console, "warn").mockImplementation(() => {});
  vi.spyOn(console, "error").mockImplementation(() => {});
});

/** Who may use each route of the app: written down here by a person, for every one of them. */
const ROLES: Readonly<Record<string, "public" | KeyRole>> = {
  "GET /health": "public",
  "GET /openapi.json": "public",
  "GET /docs": "public",
  "GET /health/ready": "metrics",
  "GET /metrics": "metrics",
  "GET /v1/stream": "read",
  "GET /ws": "read",
  "GET /v1/bars": "read",
  "GET /v1/bars/latest": "read",
  "GET /v1/bars/diff": "read",
  "GET /v1/bars/day/:file": "read",
  "GET /v1/bars/:symbol/revisions": "read",
  "GET /v1/quotes": "read",
  "GET /v1/quotes/latest": "read",
  "GET /v1/calendar": "read",
  "GET /v1/coverage": "read",
  "GET /v1/corporate-actions": "read",
  "GET /v1/macro": "read",
  "GET /v1/options-metrics": "read",
  "GET /v1/universe": "read",
  "GET /v1/universe/versions": "read",
  "GET /v1/stream/replay": "read",
  "GET /ws/replay": "read",
  "POST /v1/stream/tickets": "read",
  "GET /providers": "read",
  "GET /providers/:name": "read",
  "GET /providers/:name/health-history": "read",
  "POST /ops/providers/:name/isolate": "ops",
  "POST /ops/providers/:name/release": "ops",
  "GET /ops/slo": "ops",
  "GET /ops/parked": "ops",
  "GET /ops/verify": "ops",
  "POST /ops/verify": "ops",
  "POST /ops/universe/refresh": "ops",
  "PUT /ops/universe/overrides": "ops",
  "GET /ops/backfills": "ops",
  "POST /ops/backfills": "ops",
  "GET /ops/dlq/backfills": "ops",
  "GET /ops/dlq/backfills/:id": "ops",
  "PATCH /ops/dlq/backfills/:id": "ops",
  "DELETE /ops/dlq/backfills/:id": "ops",
  "POST /ops/dlq/backfills/requeue/:id": "ops",
  "POST /ops/dlq/backfills/requeue-all": "ops",
  "GET /ops/dlq/stats": "ops",
  "GET /ops/keys": "ops",
  "POST /ops/keys": "ops",
  "GET /ops/keys/:id": "ops",
  "DELETE /ops/keys/:id": "ops",
  "POST /ops/keys/:id/rotate": "ops",
  "GET /ops/config": "ops",
  "PUT /ops/config": "ops",
  "POST /ops/config/reload": "ops",
  "GET /ops/config/versions": "ops",
  "GET /ops/config/versions/:version": "ops",
  "POST /ops/config/rollback/:version": "ops",
  "GET /ops/traces": "ops",
  "GET /ops/traces/:id": "ops",
};

/** Every route that is registered, as `METHOD /path`. */
const routes = createApp()
  .routes.filter(({ method }) => method !== "ALL")
  .map(({ method, path }) => `${method} ${path}`);

/** What stands for the parts of a path. */
const PARTS: Readonly<Record<string, string>> = {
  name: "alpaca",
  symbol: "AAPL",
  file: "2026-03-18.csv.gz",
};

/** How a route answers a key: the status of a refusal, or that it let the request through. */
async function verdict(route: string, key: string | null): Promise<string> {
  const [method = "", path = ""] = route.split(" ");
  const filled = path.replaceAll(/:(\w+)/g, (_, part: string) => PARTS[part] ?? "nothing");
  const response = await ask(method, filled, { key });
  const text = await response.text();
  if (![401, 403, 429].includes(response.status)) return "let through";
  expect(response.headers.get("content-type"), route).toBe("application/problem+json");
  const code = /"code":"(\w+)"/.exec(text)?.[1] ?? "";
  return `${response.status} ${code}`;
}

async function verdicts(key: string | null): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const route of routes) found[route] = await verdict(route, key);
  return found;
}

const expected = (of: (asked: "public" | KeyRole) => string) =>
  Object.fromEntries(Object.entries(ROLES).map(([route, asked]) => [route, of(asked)]));
const unlessPublic = (refusal: string) =>
  expected((asked) => (asked === "public" ? "let through" : refusal));

describe("every route", () => {
  it("stands in the table of roles, and the table has no other", () => {
    expect(routes.toSorted()).toEqual(Object.keys(ROLES).toSorted());
  });

  it("is closed without a key, and to a key that is none", async () => {
    expect(await verdicts(null)).toEqual(unlessPublic("401 unauthorized"));
    expect(await verdicts("wrong")).toEqual(unlessPublic("401 unauthorized"));
    const forged = `mds_${"A".repeat(43)}`;
    expect(await verdicts(forged)).toEqual(unlessPublic("401 unauthorized"));
  });

  it("is closed to a key of any role that has expired or was revoked", async () => {
    for (const role of KEY_ROLES) {
      const expired = await makeKey(role, { expires_at: toIso(wall.now() + 1_000) });
      const revoked = await makeKey(role);
      await ask("DELETE", `/ops/keys/${revoked.id}`);
      wall.pass(FRESH_MS);
      expect(await verdicts(expired.key)).toEqual(unlessPublic("401 key_expired"));
      expect(await verdicts(revoked.key)).toEqual(unlessPublic("401 key_revoked"));
    }
  });

  it.each(KEY_ROLES)("is open to a key of role %s if it is for that role", async (role) => {
    await load(Array.from({ length: SYMBOL_GROUPS }, (_, number) => number));
    const { key } = await makeKey(role);
    const open = (asked: string) => asked === "public" || role === "ops" || asked === role;
    expect(await verdicts(key)).toEqual(
      expected((asked) => (open(asked) ? "let through" : "403 forbidden")),
    );
  });

  it("is open to the bootstrap key", async () => {
    await load(Array.from({ length: SYMBOL_GROUPS }, (_, number) => number));
    expect(await verdicts(KEY)).toEqual(expected(() => "let through"));
  });
});

describe("a path that is no route", () => {
  it("says so to an operator, and nothing to others", async () => {
    const reader = await makeKey("read");
    for (const [path, key, status] of [
      ["/nowhere", KEY, 404],
      ["/nowhere", reader.key, 403],
      ["/v1/nowhere", reader.key, 404],
      ["/ops", reader.key, 403],
      ["/%6Fps/keys", reader.key, 403],
      ["//ops/keys", reader.key, 403],
      ["/ops/keys/", reader.key, 403],
      ["/v1/../ops/keys", reader.key, 403],
      ["/v1/%2e%2e/ops/keys", reader.key, 403],
      ["/nowhere", null, 401],
    ] as const)
      expect([path, (await ask("GET", path, { key })).status]).toEqual([path, status]);
  });
});
