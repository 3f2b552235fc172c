import { describe, expect, it } from "vitest";
import { z } from "zod";
import { parseVerifyOptions, type VerifyOptions } from "../../../dev/verify/options.ts";
import { exitCodeOf, tableOf, verifyDeployment } from "../../../dev/verify/verify-deployment.ts";
import type { GroupAudit } from "../../../src/contracts/audit.ts";
import { noDifferences } from "../../../src/domain/audit.ts";
import { emptyAudit } from "../../../src/ingest/audit.ts";

const KEY = "a-key-that-must-not-be-shown";
const OPTIONS: VerifyOptions = {
  url: "https://mds.test",
  key: KEY,
  date: null,
  repair: false,
  json: false,
};
const bodySchema = z.object({
  groups: z.array(z.number()),
  repair: z.boolean(),
  date: z.string().optional(),
});

/** A deployment of three groups that answers what `of` says of each. */
function deployment(of: (group: number) => Partial<GroupAudit>) {
  const asked: z.infer<typeof bodySchema>[] = [];
  const request: typeof fetch = async (input, init) => {
    const call = new Request(input, init);
    expect(call.headers.get("authorization")).toBe(`Bearer ${KEY}`);
    const body = bodySchema.parse(await call.json());
    asked.push(body);
    const [group = -1] = body.groups;
    const audit = { ...emptyAudit(group, "audited"), symbols: 1, ...of(group) };
    return Response.json({ date: "2026-03-20", symbol_groups: 3, groups: [audit] });
  };
  const waits: number[] = [];
  const wait = async (delayMs: number) => {
    waits.push(delayMs);
  };
  return { asked, waits, request, wait };
}

const oneMissing: Partial<GroupAudit> = {
  differences: { ...noDifferences(), missing_in_postgres: 1 },
  examples: [{ kind: "missing_in_postgres", symbol: "AAPL", ts: "2026-03-20T13:30:00Z" }],
};

describe("npm run verify", () => {
  it("asks group by group, all of them over the session that the first one named", async () => {
    const { asked, ...ports } = deployment(() => ({}));
    const found = await verifyDeployment({ ...OPTIONS, repair: true }, ports);
    expect(asked).toEqual([
      { groups: [0], repair: true },
      { groups: [1], repair: true, date: "2026-03-20" },
      { groups: [2], repair: true, date: "2026-03-20" },
    ]);
    expect(exitCodeOf(found)).toBe(0);
    expect(tableOf(found).at(-1)).toBe("nothing differs");
  });

  it.each([
    ["1 when something differs", () => oneMissing, 1],
    ["2 when a group could not be verified", () => ({ state: "undrained" }) as const, 2],
    [
      "1 when both",
      (group: number) => (group === 0 ? oneMissing : ({ state: "unavailable" } as const)),
      1,
    ],
  ] as const)("ends with %s", async (_, of, code) => {
    const found = await verifyDeployment(OPTIONS, deployment(of));
    expect(exitCodeOf(found)).toBe(code);
  });

  it("asks again for a group whose flushes are on their way, and for no other", async () => {
    let asks = 0;
    const { asked, waits, ...ports } = deployment((group) => {
      asks += group === 1 ? 1 : 0;
      return group === 1 && asks < 3 ? { state: "undrained" } : {};
    });
    const found = await verifyDeployment(OPTIONS, ports);
    expect(asked.map(({ groups }) => groups[0])).toEqual([0, 1, 2, 1, 1]);
    expect(waits).toHaveLength(2);
    expect([exitCodeOf(found), found.groups.map(({ group }) => group)]).toEqual([0, [0, 1, 2]]);
  });

  it("shows what differs, with examples", async () => {
    const ports = deployment((group) => (group === 1 ? oneMissing : {}));
    const table = tableOf(await verifyDeployment(OPTIONS, ports)).join("\n");
    expect(table).toMatch(/^g01 +audited +1 +0 +0 +1 /m);
    expect(table).toContain("1 minutes differ\n  AAPL 2026-03-20T13:30:00Z missing_in_postgres");
  });

  it("says what the deployment said when it refuses, and never the key", async () => {
    const request = async () => new Response("no such session", { status: 422 });
    const refused = verifyDeployment(OPTIONS, { ...deployment(() => ({})), request });
    await expect(refused).rejects.toThrow("https://mds.test answered 422: no such session");
    await expect(refused).rejects.not.toThrow(KEY);
  });

  it("takes the key from the environment, never from the command line", () => {
    const given = ["--url", "https://mds.test/", "--key-env", "MDS_KEY"];
    expect(parseVerifyOptions(given, { MDS_KEY: KEY })).toEqual(OPTIONS);
    expect(
      parseVerifyOptions([...given, "--date", "2026-03-20", "--json"], { MDS_KEY: KEY }),
    ).toMatchObject({ date: "2026-03-20", json: true });
    for (const [argv, env] of [
      [given, {}],
      [["--key-env", "MDS_KEY"], { MDS_KEY: KEY }],
      [["--url", "mds.test", "--key-env", "MDS_KEY"], { MDS_KEY: KEY }],
      [[...given, "--date", "today"], { MDS_KEY: KEY }],
      [[...given, "--key", KEY], { MDS_KEY: KEY }],
    ] as const)
      expect(() => parseVerifyOptions(argv, env)).toThrow(Error);
    // Who gives the key itself by mistake does not find it in a log.
    const mistaken = () => parseVerifyOptions(["--url", "https://a.b", "--key-env", KEY], {});
    expect(mistaken).toThrow("is not set");
    expect(mistaken).not.toThrow(KEY);
  });
});
