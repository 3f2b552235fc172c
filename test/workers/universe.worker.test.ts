import { runInDurableObject } from "cloudflare:test";
import { exports } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { toIso } from "../../src/domain/time.ts";
import type { FakeMember } from "./support/fake-universe.ts";
import {
  AAPL_GROUP,
  alpaca,
  api,
  currentSession,
  group,
  KEY,
  load,
  minute,
  polygon,
  postgres,
  stepTo,
  tick,
  useWorld,
} from "./support/world.ts";

const G = AAPL_GROUP;
useWorld();

/** Gives members of the universe other facts. */
function change(symbol: string, facts: Partial<FakeMember>): void {
  postgres.members = postgres.members.map((member) =>
    member.symbol === symbol ? { ...member, ...facts } : member,
  );
}

async function sinceOf(symbol: string): Promise<number> {
  return await runInDurableObject(group(G), (_, state) => {
    const sql = "SELECT since_ms FROM member WHERE symbol = ?";
    return state.storage.sql.exec<{ since_ms: number }>(sql, symbol).one().since_ms;
  });
}

const storedGaps = () => (postgres.flushes.get(G) ?? []).flatMap(({ gaps }) => gaps);

describe("a symbol of T2", () => {
  it("is a member that is owed no minutes: nobody asks for them or waits for them", async () => {
    alpaca.at = (symbol) => (symbol === "AAPL" ? 100 : null);
    change("ORCL", { tier: "T2" });
    await load([G]);
    for (const index of [1, 2, 3, 4]) await tick(minute(index), [G]);
    expect(new Set(alpaca.calls.flat())).toEqual(new Set(["AAPL"]));
    expect((await group(G).status()).watermarkMs).toBe(minute(4));
  });

  it("is owed the session when it rises, as soon as the universe says so: what is behind is a hole", async () => {
    alpaca.at = () => 100;
    change("ORCL", { tier: "T2" });
    await load([G]);
    for (const index of [1, 2, 3]) await tick(minute(index), [G]);
    change("ORCL", { tier: "T1" });
    await group(G).universeChanged(7);
    expect(await sinceOf("ORCL")).toBe(minute(0));
    alpaca.calls.length = 0;
    await tick(minute(4), [G]);
    expect(new Set(alpaca.calls.flat())).toEqual(new Set(["AAPL", "ORCL"]));
    await tick(minute(5), [G]);
    const known = postgres.rows(G).filter(({ symbol }) => symbol === "ORCL");
    expect(new Set(known.map(({ ts }) => ts))).toEqual(new Set([0, 1, 2, 3, 4].map(minute)));
  });
});

describe("a symbol that leaves the tiers with minutes", () => {
  it("ends its open holes as unfillable, and leaves those of the others open", async () => {
    await load([G]);
    alpaca.mood = polygon.mood = { kind: "status", status: 503 };
    for (const index of [1, 2, 3, 4, 5]) await tick(minute(index), [G]);
    const opened = storedGaps().filter(([, , , kind]) => kind === "open");
    expect(new Set(opened.map(([symbol]) => symbol))).toEqual(new Set(["AAPL", "ORCL"]));
    change("ORCL", { tier: "T2" });
    await group(G).universeChanged(8);
    await group(G).runUntilQuiet();
    const [, from = 0] = opened.find(([symbol]) => symbol === "ORCL") ?? [];
    const ended = storedGaps().filter(([, , , kind]) => kind === "unfillable");
    expect(ended.map(([symbol, fromMs]) => [symbol, fromMs])).toEqual([["ORCL", from]]);
    alpaca.mood = { kind: "bars" };
    alpaca.at = () => 100;
    await tick(minute(6), [G]);
    await stepTo(minute(7), [G]);
    const filled = storedGaps().filter(([, , , kind]) => kind === "filled");
    expect(new Set(filled.map(([symbol]) => symbol))).toEqual(new Set(["AAPL"]));
  });
});

describe("a symbol that comes back, or is another security's", () => {
  it.each([
    [
      "comes back",
      async () => {
        const { members } = postgres;
        postgres.members = members.filter(({ symbol }) => symbol !== "ORCL");
        await group(G).universeChanged(2);
        postgres.members = members;
      },
      // What it missed is fetched: it is owed the session again.
      0,
    ],
    // Of the other security nothing older is owed.
    ["is another security's", async () => change("ORCL", { reusedOn: "2026-03-20" }), 3],
  ])("starts anew when it %s", async (_, happen, fromIndex) => {
    alpaca.at = () => 100;
    await load([G]);
    const before = await sinceOf("ORCL");
    for (const index of [1, 2, 3]) await tick(minute(index), [G]);
    await happen();
    await group(G).universeChanged(3);
    expect(await sinceOf("ORCL")).toBe(minute(fromIndex));
    expect(await sinceOf("AAPL")).toBe(before);
  });
});

describe("the version of the universe", () => {
  it("is read once: a group that has it does not ask again", async () => {
    await group(G).universeChanged(5);
    postgres.away = true;
    await group(G).universeChanged(5);
    const failed = await group(G)
      .universeChanged(6)
      .then(() => false)
      .catch(() => true);
    expect(failed).toBe(true);
    expect((await group(G).status()).members).toBe(2);
  });
});

const pageSchema = z.object({
  symbols: z.array(z.object({ symbol: z.string(), tier: z.string() })),
  as_of: z.string(),
  next_page_token: z.string().nullable(),
});

describe("GET /v1/universe", () => {
  it("gives symbols by tier in pages that keep their knowledge time", async () => {
    change("MSFT", { tier: "T1" });
    const names: string[] = [];
    let token: string | null = "";
    for (let pages = 0; token !== null && pages < 9; pages += 1) {
      const more = token === "" ? "" : `&page_token=${token}`;
      const page = pageSchema.parse(
        await (await api(`/v1/universe?tier=T0&limit=2${more}`)).json(),
      );
      expect(page.as_of).toBe(toIso(currentSession().openMs));
      names.push(...page.symbols.map(({ symbol }) => symbol));
      token = page.next_page_token;
    }
    expect(names).toEqual(["AAPL", "BAC", "ORCL", "SPY"]);
  });

  it("refuses a tier that does not exist, a foreign page token, and a time to come", async () => {
    const future = toIso(currentSession().openMs + 60_000);
    expect((await api("/v1/universe?tier=T9")).status).toBe(422);
    expect((await api("/v1/universe?page_token=abc")).status).toBe(400);
    expect((await api(`/v1/universe?as_of=${future}`)).status).toBe(409);
    expect((await api("/v1/universe/versions?symbol=aapl")).status).toBe(422);
  });
});

async function send(method: string, path: string, body?: string) {
  return await exports.default.fetch(
    new Request(`https://mds.test${path}`, {
      method,
      headers: { authorization: `Bearer ${KEY}` },
      ...(body === undefined ? {} : { body }),
    }),
  );
}

describe("PUT /ops/universe/overrides", () => {
  it.each([
    ["not JSON", "{", "invalid_body"],
    ["no tier", '{"tiers":{"AAPL":"T7"}}', "invalid_body"],
    ["not a symbol", '{"tiers":{"aapl":"T0"}}', "invalid_body"],
    ["an unknown key", '{"tiers":{},"x":1}', "invalid_body"],
    ["a symbol that was never listed", '{"tiers":{"AAPL":"T0","NOPE":"T1"}}', "unknown_symbol"],
  ])("refuses %s with 422", async (_, body, code) => {
    const response = await send("PUT", "/ops/universe/overrides", body);
    expect(response.status).toBe(422);
    const problem = z
      .object({ code: z.string(), symbols: z.array(z.string()).optional() })
      .parse(await response.json());
    expect(problem.code).toBe(code);
    if (code === "unknown_symbol") expect(problem.symbols).toEqual(["NOPE"]);
  });
});

describe("POST /ops/universe/refresh", () => {
  it("starts the task in g00 and says its name", async () => {
    const response = await send("POST", "/ops/universe/refresh");
    expect(response.status).toBe(202);
    expect(await response.json()).toEqual({ task: "task:universe:asked" });
    const duties = await runInDurableObject(group(0), (_, state) =>
      state.storage.sql.exec<{ name: string }>("SELECT name FROM duty").toArray(),
    );
    expect(duties.map(({ name }) => name)).toContain("task:universe:asked");
  });
});

describe("the tasks of the universe", () => {
  const dutiesOf = async () =>
    await runInDurableObject(group(0), (_, state) =>
      state.storage.sql
        .exec<{ name: string }>("SELECT name FROM duty WHERE name LIKE 'task:universe:%'")
        .toArray()
        .map(({ name }) => name),
    );
  const ended = { calls: [], selected: [], failures: [], done: true };

  it("are planned once a trading date, also when the first has ended", async () => {
    const { date } = currentSession();
    await load([0]);
    expect(await dutiesOf()).toEqual([`task:universe:${date}`]);
    await group(0).taskEnded(`task:universe:${date}`, ended);
    await load([0]);
    expect(await dutiesOf()).toEqual([]);
  });

  it("place the tiers after daily bars have come", async () => {
    await runInDurableObject(group(0), (_, state) => {
      const task = { v: 1, type: "daily_bars", duty: "task:daily_bars:x", dates: ["2026-03-20"] };
      const sql = "INSERT INTO duty (name, due_ms, started_ms, body) VALUES (?, 0, NULL, ?)";
      state.storage.sql.exec(sql, "task:daily_bars:x", JSON.stringify({ task, tries: 0 }));
    });
    await group(0).taskEnded("task:daily_bars:x", ended);
    expect(await dutiesOf()).toContain("task:universe:tiers");
  });
});
