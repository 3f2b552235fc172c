import { once } from "node:events";
import { expect, it, onTestFinished } from "vitest";
import { WebSocketServer } from "ws";
import { ChurnClient, type ChurnShared } from "../../../../dev/session/churn/churn-client.ts";
import { FrameReader } from "../../../../dev/session/churn/frame-reader.ts";
import { ResumeTally } from "../../../../dev/session/churn/resume-tally.ts";
import { RowBook } from "../../../../dev/session/churn/row-book.ts";

const TOKEN = "0b.k3f9a2xqabcdefg.5.mf2k1c0";

/** A service that answers every subscription from flush 5 on; what it was sent, and how sockets ended. */
async function startService() {
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
  const sent: string[] = [];
  const closes: number[] = [];
  server.on("connection", (socket) => {
    socket.on("close", (code) => closes.push(code));
    socket.on("message", (data: Buffer) => {
      const text = data.toString();
      sent.push(text);
      const resume = [{ g: "0b", recovered: true, from: 6, to: 5 }];
      const ack = { op: "ack", id: 1, subs: {}, rejected: [], token: TOKEN };
      socket.send(JSON.stringify(text.includes('"resume"') ? { ...ack, resume } : ack));
      if (!text.includes('"resume"')) return;
      const trailer = { op: "caught_up", g: "0b", fs: 5, count: 0, crc32c: "00000000" };
      socket.send(JSON.stringify(trailer));
    });
  });
  await once(server, "listening");
  onTestFinished(() => server.close());
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port was bound");
  return { url: `http://127.0.0.1:${address.port}`, sent, closes };
}

it("comes, closes, is cut without a close frame, and comes back by its token each time", async () => {
  const { url, sent, closes } = await startService();
  const rows = new RowBook(0);
  const shared: ChurnShared = {
    rows,
    reader: new FrameReader(rows),
    tally: new ResumeTally(),
    symbolGroups: 1,
    serviceUrl: () => url,
    key: "k",
    drops: { closed: 0, cut: 0, others: new Map() },
    inTurn: (act) => act(),
    hasLeftLog: async () => false,
  };
  const client = new ChurnClient("c", { bars: "*", quotes: [] }, shared);
  const settled = () => expect.poll(() => client.isSettled, { timeout: 10_000 }).toBe(true);
  for (const how of ["close", "cut"] as const) {
    client.come();
    await settled();
    client.leave(how);
    await settled();
  }
  client.come();
  await settled();
  client.leave("close");
  await settled();
  expect(shared.tally.faults).toEqual([]);
  expect(shared.tally).toMatchObject({ recovered: 2, unproven: 0, interrupted: 0 });
  expect(shared.drops).toEqual({ closed: 2, cut: 1, others: new Map() });
  expect(sent.map((text) => text.includes(`"resume":"${TOKEN}"`))).toEqual([false, true, true]);
  await expect.poll(() => closes.toSorted((a, b) => a - b)).toEqual([1000, 1000, 1006]);
});
