import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { pickProfile } from "../../dev/database/pick-profile.ts";
import { startTestDatabase, type TestDatabase } from "../support/test-database.ts";

const run = promisify(execFile);
let test: TestDatabase;
beforeAll(async () => {
  test = await startTestDatabase();
});
afterAll(async () => {
  await test.stop();
});

/** `npm run migrate` on the test's database; rejects with what it prints when it fails. */
async function migrateTool(profile: string): Promise<string> {
  const env = {
    ...process.env,
    DATABASE_URL: test.database.connectionString,
    STORAGE_PROFILE: profile,
  };
  return (await run(process.execPath, ["dev/migrate.ts"], { env })).stdout;
}

describe("the storage profile of a database", () => {
  it("is what the server can store", async () => {
    expect(await pickProfile(test.database.connectionString, null)).toEqual(
      test.profile === "plain"
        ? { profile: "plain", reason: "the server has no TimescaleDB" }
        : { profile: "timescale", reason: "the database has it" },
    );
  });

  it("is refused when it can't be had, or not any more", async () => {
    const other = test.profile === "plain" ? "timescale" : "plain";
    await expect(pickProfile(test.database.connectionString, other)).rejects.toThrow(
      test.profile === "plain" ? "not possible: the server has no TimescaleDB" : "no way back",
    );
  });

  it("is told by the tool that migrates, which names a wrong one", async () => {
    expect(await migrateTool("")).toMatch(
      new RegExp(`^profile ${test.profile}: .+\nnothing to migrate\n$`),
    );
    await expect(migrateTool("postgres")).rejects.toMatchObject({
      code: 1,
      stdout: "",
      stderr: 'migrate: STORAGE_PROFILE is "postgres": it must be plain or timescale\n',
    });
  });
});
