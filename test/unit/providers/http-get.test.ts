import { createServer } from "node:http";
import type { RequestListener, Server } from "node:http";
import { afterEach, describe, expect, it } from "vitest";
import { createHttpGet } from "../../../src/providers/http-get.ts";
import type { Fetch } from "../../../src/providers/http-get.ts";

const servers: Server[] = [];

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return `http://127.0.0.1:${address.port}`;
}

async function stop(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise<void>((resolve) => server.close(() => resolve()));
}

afterEach(async () => {
  await Promise.all(servers.splice(0).map(stop));
});

const get = createHttpGet((url, init) => fetch(url, init));
const asked = { headers: { "X-Key": "secret" }, timeoutMs: 5_000 };

describe("createHttpGet", () => {
  it("sends the headers and reads status, lower-case headers and the whole body", async () => {
    const base = await serve((request, response) => {
      response.writeHead(418, { "X-RateLimit-Reset": "17" });
      response.end(`${request.url} ${String(request.headers["x-key"])}`);
    });
    const response = await get(`${base}/a?b=c`, asked);
    expect(response.status).toBe(418);
    expect(response.headers["x-ratelimit-reset"]).toBe("17");
    expect(response.body).toBe("/a?b=c secret");
  });

  it("joins characters that straddle chunks", async () => {
    const bytes = new TextEncoder().encode("née €");
    const oneByOne: Fetch = async () => {
      const chunks = [...bytes].map((byte) => Uint8Array.of(byte)).values();
      const read = async () => {
        const { done, value } = chunks.next();
        return { done: done === true, value };
      };
      return {
        status: 200,
        headers: [],
        body: { getReader: () => ({ read, cancel: async () => undefined }) },
      };
    };
    expect((await createHttpGet(oneByOne)("http://x.test/", asked)).body).toBe("née €");
  });

  it("does not follow a redirect, which would carry the key to another host", async () => {
    let isFollowed = false;
    const other = await serve((_request, response) => {
      isFollowed = true;
      response.end();
    });
    const base = await serve((_request, response) => {
      response.writeHead(302, { location: other });
      response.end();
    });
    expect((await get(base, asked)).status).toBe(302);
    expect(isFollowed).toBe(false);
  });

  it("says timeout when no answer comes in time", async () => {
    const base = await serve(() => undefined);
    await expect(get(base, { headers: {}, timeoutMs: 30 })).rejects.toMatchObject({
      kind: "timeout",
    });
  });

  it("says timeout when the body does not end in time", async () => {
    const base = await serve((_request, response) => {
      response.write("{");
    });
    await expect(get(base, { headers: {}, timeoutMs: 60 })).rejects.toMatchObject({
      kind: "timeout",
    });
  });

  it("says unavailable when nobody listens, and keeps the URL out of the text", async () => {
    const base = await serve(() => undefined);
    await Promise.all(servers.splice(0).map(stop));
    const fault = get(`${base}/?apiKey=secret`, asked);
    await expect(fault).rejects.toMatchObject({ kind: "unavailable", name: "ProviderError" });
    await expect(fault).rejects.not.toThrow(/secret/);
  });

  it("says unavailable when the connection breaks inside the body", async () => {
    const base = await serve((_request, response) => {
      response.writeHead(200, { "content-length": "100" });
      response.write("{", () => response.destroy());
    });
    await expect(get(base, asked)).rejects.toMatchObject({ kind: "unavailable" });
  });

  it("refuses a body over the limit as malformed and takes one at the limit", async () => {
    const base = await serve((request, response) => {
      response.end("x".repeat(request.url === "/over" ? 101 : 100));
    });
    const small = createHttpGet((url, init) => fetch(url, init), 100);
    expect((await small(`${base}/at`, asked)).body).toHaveLength(100);
    await expect(small(`${base}/over`, asked)).rejects.toMatchObject({ kind: "malformed" });
  });
});
