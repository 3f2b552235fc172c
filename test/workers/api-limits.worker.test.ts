import { env } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import { ConfigStore } from "../../durable-objects/config-store.ts";
import { createApp } from "../../src/api/app.ts";
import { ask, makeKey, refusal } from "./support/keys.ts";
import { KEY, useWorld } from "./support/world.ts";

useWorld();

const READ = "/v1/calendar?start=2026-03-02&end=2026-03-03";

describe("the rate limits of the runtime", () => {
  it("refuse a key that has used up its minute with 429, and nobody else", async () => {
    const limits = { requests_per_minute: 60 };
    const [busy, calm] = [await makeKey("read", { limits }), await makeKey("read", { limits })];
    // The runtime counts by minutes of the clock: 121 requests are 61 in one of two at least.
    const answers = [];
    for (let at = 0; at < 121; at += 1) answers.push(await ask("GET", READ, { key: busy.key }));
    const through = answers.filter(({ status }) => status === 200);
    expect(through.length).toBeGreaterThanOrEqual(60);
    const over = answers.find(({ status }) => status === 429);
    expect(over?.headers.get("retry-after")).toBe("60");
    expect(await over?.json()).toMatchObject({ code: "too_many_requests", status: 429 });
    expect((await ask("GET", READ, { key: calm.key })).status).toBe(200);
    expect((await ask("GET", READ)).status).toBe(200);
  });
});

/** The app with limits that are watched: what was counted where, and whether they refuse or fail. */
function watched() {
  const counted: string[] = [];
  const mood: { now: "allow" | "refuse" | "fail" } = { now: "allow" };
  const limiter = (name: string) => ({
    limit: async ({ key }: { key: string }) => {
      counted.push(`${name} ${key}`);
      if (mood.now === "fail") throw new Error("no limits today");
      return { success: mood.now === "allow" };
    },
  });
  const app = createApp();
  const environment = {
    ...env,
    API_RATE_LIMIT: limiter("600"),
    API_RATE_LIMIT_LOW: limiter("60"),
    API_RATE_LIMIT_HIGH: limiter("6000"),
  };
  /** Sends a request; answers its status and what it was counted as. */
  const send = async (path: string, headers: Readonly<Record<string, string>> = {}) => {
    counted.length = 0;
    const request = new Request(`https://mds.test${path}`, { headers });
    const { status } = await app.fetch(request, environment);
    return [status, ...counted];
  };
  return { mood, send };
}

const bearer = (key: string) => ({ authorization: `Bearer ${key}` });

describe("a request", () => {
  it("is counted for its key at the key's rate, else for the address that it came from", async () => {
    const { send } = watched();
    const limits = { requests_per_minute: 60 };
    const { key, id } = await makeKey("read", { limits });
    const from = { "cf-connecting-ip": "2001:db8:1:2:3::4" };
    const address = "600 address:2001:db8:1:2::/64";
    expect(await send(READ, from)).toEqual([401, address]);
    expect(await send(READ, { ...from, ...bearer("wrong") })).toEqual([401, address]);
    expect(await send("/docs", from)).toEqual([200, address]);
    // The first time that a key comes it is nobody's yet.
    expect(await send(READ, { ...from, ...bearer(key) })).toEqual([200, address, `60 key:${id}`]);
    expect(await send(READ, { ...from, ...bearer(key) })).toEqual([200, `60 key:${id}`]);
    expect(await send(READ, { ...from, ...bearer(KEY) })).toEqual([200, "6000 key:bootstrap"]);
    expect(await send("/health", from)).toEqual([200]);
  });

  it("of an address that has used up its minute is refused before anything is looked up", async () => {
    const { send, mood } = watched();
    const { key } = await makeKey("read");
    mood.now = "refuse";
    const asked = vi.spyOn(ConfigStore.prototype, "keyGrant");
    for (const headers of [{}, bearer("wrong"), bearer(key)] satisfies Record<string, string>[])
      expect((await send(READ, headers))[0]).toBe(429);
    expect((await send("/v1/stream?key=mine"))[0]).toBe(429);
    expect((await send("/v1/stream?ticket=forged"))[0]).toBe(429);
    expect((await send("/openapi.json"))[0]).toBe(429);
    expect((await send("/health"))[0]).toBe(200);
    expect(asked).not.toHaveBeenCalled();
  });

  it("for a socket is not counted for its key: all connections come at once after a restart", async () => {
    const { send } = watched();
    const { key } = await makeKey("read");
    await send(READ, bearer(key));
    expect(await send("/v1/stream", bearer(key))).toEqual([426]);
  });

  it("is let through when a limit can't be asked", async () => {
    const { send, mood } = watched();
    vi.spyOn(console, "warn").mockImplementation(() => {});
    mood.now = "fail";
    expect((await send(READ, bearer(KEY)))[0]).toBe(200);
  });

  it("that was refused counts as such in the usage of its key", async () => {
    const { key, id } = await makeKey("metrics");
    expect(await refusal(ask("GET", READ, { key }))).toEqual([403, "forbidden"]);
    const listed = await (await ask("GET", "/ops/keys")).json();
    expect(listed).toMatchObject({ keys: [{ id, usage: { requests: 1, refused: 1 } }] });
  });
});

describe("every answer but a socket's", () => {
  it("tells a browser to load, run, send, guess and frame nothing", async () => {
    const answers = [
      await ask("GET", "/health", { key: null }),
      await ask("GET", READ),
      await ask("GET", READ, { key: null }),
      await ask("GET", "/nowhere"),
      await ask("DELETE", "/metrics"),
      await ask("GET", "/docs", { key: null }),
      await ask("OPTIONS", READ, {
        key: null,
        headers: { origin: "https://evil.test", "access-control-request-method": "GET" },
      }),
      await createApp().fetch(new Request("https://mds.test/v1/bars"), { ENVIRONMENT: "" }),
    ];
    for (const { headers, status } of answers) {
      const shown = Object.fromEntries(headers);
      expect(shown, String(status)).toMatchObject({
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        "permissions-policy": "camera=(), geolocation=(), microphone=()",
        "cross-origin-resource-policy": "same-origin",
      });
      expect(shown["content-security-policy"]).toMatch(
        /default-src 'none'.*frame-ancestors 'none'/,
      );
      expect(Object.keys(shown).filter((name) => name.startsWith("access-control"))).toEqual([]);
    }
    expect(answers[5]?.headers.get("content-security-policy")).toContain("style-src");
  });

  it("keeps browsers to HTTPS, unless it is in development", async () => {
    expect((await ask("GET", "/health")).headers.has("strict-transport-security")).toBe(false);
    const deployed = { ...env, ENVIRONMENT: "production" };
    const answer = await createApp().fetch(new Request("https://mds.test/health"), deployed);
    expect(answer.headers.get("strict-transport-security")).toBe("max-age=31536000");
  });
});
