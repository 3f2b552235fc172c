import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { bundleSize, MAX_GZIP_BYTES, sizeVerdict } from "../../../dev/deploy/bundle-size.ts";
import { type DeployFacts, deployFaults } from "../../../dev/deploy/prerequisites.ts";
import { createQueue, deadLetterQueue } from "../../../dev/deployment/required.ts";
import { type DeployStep, runSteps } from "../../../dev/deploy/run-steps.ts";
import { ROOT } from "../../support/source-tree.ts";

const READY: DeployFacts = {
  databaseUrl: "postgres://user:s3cret-of-the-database@ep-x.us-east-1.aws.neon.tech/market_data",
  isLoggedIn: true,
  secrets: { known: true, value: ["BOOTSTRAP_KEY", "DATABASE_URL", "POLYGON_API_KEY"] },
  queueName: "backfill-dlq",
  queue: { known: true, value: "Queue Name: backfill-dlq" },
};

describe("what a deploy needs", () => {
  it("is nothing more when all of it is there", () => {
    expect(deployFaults(READY)).toEqual([]);
  });

  it("is named at once, each with what to do", () => {
    const faults = deployFaults({
      ...READY,
      databaseUrl: undefined,
      secrets: { known: true, value: ["DATABASE_URL"] },
      queue: { known: false, why: "Queue does not exist" },
    });
    expect(faults).toEqual([
      expect.stringMatching(/^DATABASE_URL is not set: /),
      expect.stringMatching(
        /^the secret BOOTSTRAP_KEY is not set: npx wrangler secret put BOOTSTRAP_KEY/,
      ),
      expect.stringMatching(/queues create backfill-dlq --message-retention-period-secs 1209600$/),
    ]);
  });

  it("is a login before anything that only a login can tell", () => {
    const away = { known: false, why: "wrangler is not logged in" } as const;
    const faults = deployFaults({ ...READY, isLoggedIn: false, secrets: away, queue: away });
    expect(faults).toEqual([expect.stringMatching(/^wrangler is not logged in: /)]);
  });

  it("is the direct address of the database, and no address is repeated", () => {
    const pooled = READY.databaseUrl?.replace("ep-x", "ep-x-pooler");
    const [fault] = deployFaults({ ...READY, databaseUrl: pooled });
    expect(fault).toMatch(/^DATABASE_URL is a pooler's/);
    expect(fault).not.toContain("s3cret");
    expect(deployFaults({ ...READY, databaseUrl: "mysql://x" })).toHaveLength(1);
  });
});

describe("the queue of dead letters", () => {
  it("has the name that wrangler.toml binds", () => {
    const toml = readFileSync(join(ROOT, "wrangler.toml"), "utf8");
    expect(deadLetterQueue(toml)).toBe("backfill-dlq");
    expect(deadLetterQueue(toml.replaceAll("backfill-dlq", "dlq-2"))).toBe("dlq-2");
    expect(() => deadLetterQueue("")).toThrow("no queue");
    expect(toml).toContain(createQueue("backfill-dlq").replace("npx ", ""));
  });
});

describe("the steps of a deploy", () => {
  const stepsOf = (codes: readonly (number | Error)[]) => {
    const ran: string[] = [];
    const steps = codes.map((code, index): DeployStep => {
      const name = `step ${index + 1}`;
      const run = async () => {
        ran.push(name);
        if (code instanceof Error) throw code;
        return code;
      };
      return { name, run, failed: `as after ${name}` };
    });
    return { ran, steps };
  };

  it("run in order and say which is running", async () => {
    const { ran, steps } = stepsOf([0, 0]);
    const said: string[] = [];
    expect(await runSteps(steps, (line) => said.push(line))).toBe(0);
    expect(ran).toEqual(["step 1", "step 2"]);
    expect(said).toEqual(["deploy: 1/2 step 1", "deploy: 2/2 step 2"]);
  });

  it.each([
    ["answers a code", 3, 3],
    ["throws", new Error("no such file"), 1],
  ] as const)("end at the first that %s, and say what is true then", async (_, end, code) => {
    const { ran, steps } = stepsOf([0, end, 0]);
    const said: string[] = [];
    expect(await runSteps(steps, (line) => said.push(line))).toBe(code);
    expect(ran).toEqual(["step 1", "step 2"]);
    expect(said.at(-1)).toBe(`deploy: step 2 FAILED (exit ${code}): as after step 2`);
    if (end instanceof Error) expect(said).toContain("deploy: no such file");
  });
});

describe("the size of a bundle", () => {
  let dir = "";
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  it("counts every module, and neither source maps nor wrangler's note", () => {
    dir = mkdtempSync(join(tmpdir(), "mds-size-"));
    mkdirSync(join(dir, "more"));
    for (const name of ["index.js", "more/part.wasm"])
      writeFileSync(join(dir, name), "x".repeat(1_000));
    for (const name of ["index.js.map", "README.md"])
      writeFileSync(join(dir, name), "y".repeat(9_000));
    const size = bundleSize(dir);
    expect(size.rawBytes).toBe(2_000);
    expect(size.gzipBytes).toBeGreaterThan(0);
    expect(size.gzipBytes).toBeLessThan(200);
    expect(sizeVerdict(size)).toMatch(/^2 KiB, 0 KiB compressed \(limit 2930 KiB\)$/);
  });

  it("is refused when it is too large, or nothing was bundled", () => {
    const tooLarge = { rawBytes: 9e6, gzipBytes: MAX_GZIP_BYTES + 1 };
    expect(() => sizeVerdict(tooLarge)).toThrow("the Worker is too large");
    expect(() => sizeVerdict({ rawBytes: 65 * 1_048_576, gzipBytes: 1 })).toThrow("too large");
    expect(() => sizeVerdict({ rawBytes: 0, gzipBytes: 0 })).toThrow("empty");
  });
});
