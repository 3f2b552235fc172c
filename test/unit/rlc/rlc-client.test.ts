import { createServer, type Server, type ServerResponse } from "node:http";
import { afterEach, describe, expect, it } from "vitest";
import { type RlcServer, startRlc } from "../../../dev/rlc/start-rlc.ts";
import { createRlcClient, RlcError } from "../../../src/ingest/rlc-client.ts";

const TOKEN = "coordinator-token";
const ended: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ended.splice(0)) await end();
});

async function rlc(): Promise<RlcServer & { step(ms: number): void }> {
  let nowMs = 0;
  const server = await startRlc({ now: () => nowMs, token: TOKEN, leaseMs: 60_000 });
  ended.push(() => server.stop());
  return { ...server, step: (ms) => (nowMs += ms) };
}

function clientOf(url: string, token: string | null = TOKEN) {
  return createRlcClient({ url, token, worker: "w", fetch: (to, init) => fetch(to, init) });
}

/** A server that answers everything the same way; gives its address. */
async function answering(answer: (response: ServerResponse) => void): Promise<string> {
  const server: Server = createServer((_, response) => answer(response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  ended.push(
    () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  );
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("not a TCP port");
  return `http://127.0.0.1:${address.port}`;
}

describe("the way to the coordinator", () => {
  it("claims jobs as they were put in, and tells how they ended", async () => {
    const server = await rlc();
    const job = { v: 1, type: "quotes", id: "a", symbols: ["AAPL"] };
    server.put([
      { id: "a", priority: 0, job },
      { id: "b/2", priority: 1, job: "nonsense" },
    ]);
    const client = clientOf(`${server.url}/`);
    expect(await client.claim(0)).toEqual([]);
    expect(await client.claim(10)).toEqual([
      { id: "a", lease_ms: 60_000, job },
      { id: "b/2", lease_ms: 60_000, job: "nonsense" },
    ]);
    await client.answer({ id: "a", nack: null });
    const nack = { reason: "invalid" as const, detail: "no job", retry_after_ms: null };
    await client.answer({ id: "b/2", nack });
    expect(server.stats()).toMatchObject({ done: 1, dead: 1, nacks: { invalid: 1 } });
  });

  it("takes a lost lease for an end, and an answer may be repeated", async () => {
    const server = await rlc();
    server.put([{ id: "a", priority: 0, job: {} }]);
    const client = clientOf(server.url);
    await client.claim(1);
    server.step(60_000);
    await expect(client.answer({ id: "a", nack: null })).resolves.toBeUndefined();
    await expect(client.answer({ id: "never", nack: null })).resolves.toBeUndefined();
    expect(server.stats()).toMatchObject({ waiting: 1, done: 0 });
  });

  it("fails with one kind of error, whatever keeps it from jobs", async () => {
    const server = await rlc();
    const wrongToken = clientOf(server.url, "wrong").claim(1);
    await expect(wrongToken).rejects.toThrow("answered with 401");
    server.setAway(true);
    const urls = [
      server.url,
      "http://127.0.0.1:1",
      await answering((response) => response.writeHead(502).end("<html>")),
      await answering((response) => response.end("<html>")),
      await answering((response) => response.end('{"jobs":[{"id":"a"}]}')),
      await answering((response) =>
        response.end(`{"jobs":[${'{"id":"a","lease_ms":1},'.repeat(2)}{"id":"a","lease_ms":1}]}`),
      ),
      await answering((response) => response.end("x".repeat(3 * 1_024 * 1_024))),
      await answering((response) => response.writeHead(302, { location: server.url }).end()),
    ];
    for (const url of urls) await expect(clientOf(url).claim(2)).rejects.toBeInstanceOf(RlcError);
  });

  it("never shows the token or the address in an error", async () => {
    const failed = clientOf("http://user:secret@127.0.0.1:1").claim(1);
    await expect(failed).rejects.not.toThrow(/secret|127/);
  });
});

describe("the reference server", () => {
  it("says what is wrong with a request", async () => {
    const server = await rlc();
    const post = async (path: string, body: string) => {
      const headers = { authorization: `Bearer ${TOKEN}` };
      const response = await fetch(server.url + path, { method: "POST", headers, body });
      return [response.status, JSON.stringify(await response.json())];
    };
    expect(await post("/v1/jobs/claim", "{")).toEqual([400, '{"error":"not JSON"}']);
    expect((await post("/v1/jobs/claim", '{"worker":"w","max":101}'))[1]).toContain("max: ");
    expect((await post("/v1/jobs/a/nack", '{"worker":"w","reason":"tired"}'))[1]).toContain(
      "reason: ",
    );
    expect((await post("/v1/jobs/a/nack", `"${"x".repeat(5_000)}"`))[0]).toBe(413);
    expect((await post("/v1/jobs/a/steal", "{}"))[0]).toBe(404);
    expect((await post("/v1/jobs", '{"jobs":[{"id":"a","priority":3}]}'))[0]).toBe(202);
    const stats = await fetch(`${server.url}/v1/jobs/stats`, {
      headers: { authorization: `Bearer ${TOKEN}` },
    });
    expect(await stats.json()).toMatchObject({ waiting: 1 });
  });
});
