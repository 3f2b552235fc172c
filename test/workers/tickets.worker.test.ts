import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { exports } from "cloudflare:workers";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { hostName } from "../../src/domain/host-name.ts";
import { BurnedTickets } from "../../src/stream/burned-tickets.ts";
import { chooseHost } from "../../src/stream/choose-host.ts";
import { sealTicket, TICKET_TTL_MS } from "../../src/stream/ticket.ts";
import { StreamClient } from "./support/stream-client.ts";
import { watchUpgrades } from "./support/watch-upgrades.ts";
import {
  AAPL_GROUP,
  group,
  ingestMinute,
  KEY,
  load,
  SYMBOL_GROUPS,
  useWorld,
} from "./support/world.ts";

useWorld();
let nowMs = 0;
beforeEach(() => {
  nowMs = Math.max(nowMs + 600_000, Date.UTC(2026, 2, 20, 15));
  vi.spyOn(Date, "now").mockImplementation(() => nowMs);
});

const ticketSchema = z
  .object({ ticket: z.string(), conn: z.uuid(), expires_at: z.iso.datetime() })
  .strict();
const problemSchema = z.object({ code: z.string(), detail: z.string() });

async function buy(init: RequestInit = { headers: { authorization: `Bearer ${KEY}` } }) {
  return await exports.default.fetch(
    new Request("https://mds.test/v1/stream/tickets", { method: "POST", ...init }),
  );
}
const ticket = async () => ticketSchema.parse(await (await buy()).json());

async function upgrade(query: string, headers: Readonly<Record<string, string>> = {}) {
  const request = new Request(`https://mds.test/v1/stream${query}`, {
    headers: { Upgrade: "websocket", ...headers },
  });
  return await exports.default.fetch(request);
}

async function refusal(query: string, headers: Readonly<Record<string, string>> = {}) {
  const response = await upgrade(query, headers);
  expect(response.webSocket).toBeNull();
  expect(response.headers.get("content-type")).toBe("application/problem+json");
  const text = await response.text();
  expect(text).not.toContain(KEY);
  const { code, detail } = problemSchema.parse(JSON.parse(text));
  return { status: response.status, code, detail };
}

function clientOf(response: Response): StreamClient {
  if (response.webSocket === null) throw new Error(`no socket: ${response.status}`);
  return new StreamClient(response.webSocket);
}

/** The group by whose rendezvous a connection without symbols is hosted. */
function hostOf(connection: string): number {
  const choice = { symbolGroups: SYMBOL_GROUPS, region: "enam", extraHosts: 0 } as const;
  const host = chooseHost(connection, [], choice);
  if (host.kind !== "group") throw new Error("there are no extra hosts");
  return host.group;
}

const burnedRows = async (number: number) =>
  await runInDurableObject(group(number), (_, { storage }) =>
    new BurnedTickets(storage.sql).count(),
  );

describe("POST /v1/stream/tickets", () => {
  it("gives a ticket for one connection and 30 s, that no cache keeps, to whoever has a key", async () => {
    const response = await buy();
    expect(response.status).toBe(200);
    expect(response.headers.get("cache-control")).toBe("no-store");
    const text = await response.text();
    expect(text).not.toContain(KEY);
    const given = ticketSchema.parse(JSON.parse(text));
    expect(Date.parse(given.expires_at)).toBe(nowMs + TICKET_TTL_MS);
    expect((await ticket()).conn).not.toBe(given.conn);
  });

  it("is refused without a key, and with a body or a parameter that it does not know", async () => {
    expect((await buy({})).status).toBe(401);
    const protocols = { "Sec-WebSocket-Protocol": `mds.v1, key.${KEY}` };
    expect((await buy({ headers: protocols })).status).toBe(401);
    const headers = { authorization: `Bearer ${KEY}` };
    expect((await buy({ headers, body: "{}" })).status).toBe(200);
    expect((await buy({ headers, body: '{"role":"ops"}' })).status).toBe(422);
    const asked = new Request("https://mds.test/v1/stream/tickets?role=ops", {
      method: "POST",
      headers,
    });
    expect((await exports.default.fetch(asked)).status).toBe(422);
  });
});

describe("a socket", () => {
  it("is opened by a key in the header or among the subprotocols, of which only mds.v1 is answered", async () => {
    const byHeader = await upgrade("", { authorization: `Bearer ${KEY}` });
    expect([byHeader.status, byHeader.headers.get("Sec-WebSocket-Protocol")]).toEqual([101, null]);
    const byProtocol = await upgrade("", { "Sec-WebSocket-Protocol": `mds.v1, key.${KEY}` });
    expect(byProtocol.status).toBe(101);
    expect(byProtocol.headers.get("Sec-WebSocket-Protocol")).toBe("mds.v1");
    for (const response of [byHeader, byProtocol]) {
      const client = clientOf(response);
      await client.find((frame) => (frame.op === "hello" ? frame : null));
    }
  });

  it("is refused to a bad key and to none, and to a key among subprotocols without mds.v1", async () => {
    for (const headers of [
      {},
      { authorization: "Bearer wrong" },
      { authorization: `Basic ${KEY}` },
      { "Sec-WebSocket-Protocol": "mds.v1, key.wrong" },
      { "Sec-WebSocket-Protocol": "mds.v1" },
      { "Sec-WebSocket-Protocol": `key.${KEY}` },
    ] satisfies Record<string, string>[])
      expect(await refusal("", headers)).toMatchObject({ status: 401, code: "unauthorized" });
  });

  it("is refused to a key in the URL, even beside a good one, and says where a key belongs", async () => {
    for (const name of ["key", "api_key", "apiKey", "token", "access-token"]) {
      for (const headers of [{}, { authorization: `Bearer ${KEY}` }]) {
        const refused = await refusal(`?${name}=${KEY}`, headers);
        expect(refused).toMatchObject({ status: 401, code: "key_in_url" });
        expect(refused.detail).toContain("/v1/stream/tickets");
      }
    }
  });

  it("reaches its object without the key, the ticket or headers of the caller's", async () => {
    const seen = watchUpgrades();
    const own = {
      "x-mds-connection": "mine",
      "x-mds-ticket-expires": "9".repeat(15),
      cookie: "c=1",
    };
    const { ticket: text, conn } = await ticket();
    for (const [query, headers] of [
      ["?symbols=AAPL", { ...own, authorization: `Bearer ${KEY}` }],
      ["?symbols=AAPL", { ...own, "Sec-WebSocket-Protocol": `mds.v1, key.${KEY}` }],
      [`?symbols=AAPL&ticket=${text}`, { ...own, authorization: `Bearer ${KEY}` }],
    ] as const)
      expect((await upgrade(query, headers)).status).toBe(101);
    expect(seen).toHaveLength(3);
    for (const { request } of seen) {
      expect(request).toContain("symbols=AAPL");
      for (const secret of [KEY, text, "mine", "c=1", "9".repeat(15)])
        expect(request).not.toContain(secret);
    }
    expect(seen[2]?.request).toContain(conn);
  });
});

describe("a ticket", () => {
  it("opens one socket, with the id that it named, and data flow", async () => {
    await load([AAPL_GROUP]);
    const { ticket: text, conn } = await ticket();
    const client = clientOf(await upgrade(`?ticket=${text}&symbols=AAPL`));
    const hello = await client.find((frame) => (frame.op === "hello" ? frame : null));
    expect(hello.conn).toBe(conn);
    await client.find((frame) => (frame.op === "ack" ? frame : null));
    await ingestMinute(AAPL_GROUP, 0, { AAPL: 100 });
    await client.settled();
    expect(client.flushes().map((flush) => flush.fs)).toEqual([1]);
  });

  it("opens no second one: not with other symbols, not from elsewhere, not after an eviction", async () => {
    const { ticket: text, conn } = await ticket();
    const client = clientOf(await upgrade(`?ticket=${text}`));
    await client.settled();
    const used = { status: 401, code: "ticket_used" };
    expect(await refusal(`?ticket=${text}`)).toMatchObject(used);
    for (const symbols of ["AAPL", "MSFT", "SPY", "*"])
      expect(await refusal(`?ticket=${text}&symbols=${symbols}`)).toMatchObject(used);
    const request = new Request(`https://mds.test/ws?ticket=${text}`, {
      headers: { Upgrade: "websocket" },
      cf: { continent: "OC", country: "AU" },
    });
    expect((await exports.default.fetch(request)).status).toBe(401);
    await evictDurableObject(group(hostOf(conn)));
    expect(await refusal(`?ticket=${text}`)).toMatchObject(used);
    const holders = await Promise.all(
      Array.from({ length: SYMBOL_GROUPS }, async (_, number) => {
        const { connections } = await group(number).status();
        return connections;
      }),
    );
    expect(holders.reduce((sum, count) => sum + count, 0)).toBe(1);
  });

  it("opens one socket of many that are asked for at once", async () => {
    const { ticket: text } = await ticket();
    const answers = await Promise.all(
      Array.from({ length: 8 }, async () => (await upgrade(`?ticket=${text}`)).status),
    );
    expect(answers.toSorted((a, b) => a - b)).toEqual([
      101,
      ...Array.from({ length: 7 }, () => 401),
    ]);
  });

  it("that has expired says so, also when it was used before", async () => {
    const [fresh, used] = [await ticket(), await ticket()];
    expect((await upgrade(`?ticket=${used.ticket}`)).status).toBe(101);
    nowMs += TICKET_TTL_MS;
    for (const { ticket: text } of [fresh, used])
      expect(await refusal(`?ticket=${text}`)).toMatchObject({
        status: 401,
        code: "ticket_expired",
      });
  });

  it("that is forged, foreign, cut, extended or given twice grants nothing", async () => {
    const { ticket: text, conn } = await ticket();
    const expiresMs = nowMs + TICKET_TTL_MS;
    const fields = { connection: conn, host: hostName({ kind: "group", group: 0 }), expiresMs };
    const foreign = await sealTicket(
      { ...fields, key: "bootstrap" },
      "another-deployment-0123456789",
    );
    const longer = text.replace(
      /\.[0-9a-z]+\.([0-9a-f]{64})$/,
      `.${(expiresMs + 1).toString(36)}.$1`,
    );
    for (const bad of ["", "x", foreign, longer, text.slice(0, -1), `${text}0`, text.toUpperCase()])
      expect(await refusal(`?ticket=${bad}`)).toMatchObject({ status: 401, code: "bad_ticket" });
    for (const query of [`?ticket=${text}&ticket=${text}`, `?ticket=${foreign}&ticket=${text}`])
      expect(await refusal(query)).toMatchObject({ status: 401, code: "bad_ticket" });
    expect((await upgrade(`?ticket=${text}`)).status).toBe(101);
  });

  it("is not used up by a request that is no upgrade", async () => {
    const { ticket: text } = await ticket();
    const plain = await exports.default.fetch(`https://mds.test/v1/stream?ticket=${text}`);
    expect(plain.status).toBe(426);
    expect((await upgrade(`?ticket=${text}`)).status).toBe(101);
  });

  it("opens nothing but the stream", async () => {
    const { ticket: text } = await ticket();
    for (const headers of [{}, { authorization: `Bearer ${text}` }] satisfies Record<
      string,
      string
    >[]) {
      const asked = new Request(`https://mds.test/v1/bars?symbols=AAPL&ticket=${text}`, {
        headers,
      });
      expect((await exports.default.fetch(asked)).status).toBe(401);
    }
  });
});

describe("the row of a burned ticket", () => {
  it("goes with the sweep a minute after its connection", async () => {
    const { ticket: text, conn } = await ticket();
    const host = hostOf(conn);
    const client = clientOf(await upgrade(`?ticket=${text}`));
    expect(await burnedRows(host)).toBe(1);
    client.socket.close();
    nowMs += 60_000;
    await runInDurableObject(group(host), (_, { storage }) => {
      storage.sql.exec("UPDATE duty SET due_ms = 0 WHERE name = 'sweep'");
    });
    await group(host).runUntilQuiet();
    expect(await burnedRows(host)).toBe(0);
  });

  it("is one of a bounded number, goes when it has expired, and never before", async () => {
    await runInDurableObject(group(0), (_, { storage }) => {
      const tickets = new BurnedTickets(storage.sql, 3);
      const burn = (name: string, atMs: number) => tickets.burn(name, 30_000, atMs);
      expect(["a", "b", "c"].map((name) => burn(name, 0))).toEqual([null, null, null]);
      expect([burn("d", 0), burn("a", 0)]).toEqual(["busy", "ticket_used"]);
      expect(burn("a", 29_999)).toBe("ticket_used");
      // A clock that has stepped back finds the row still there.
      expect([burn("a", 30_000), burn("a", 29_000)]).toEqual(["ticket_expired", "ticket_used"]);
      tickets.prune(44_999);
      expect(tickets.count()).toBe(3);
      tickets.prune(45_000);
      expect(tickets.count()).toBe(0);
    });
  });
});
