import {
  createExecutionContext,
  createScheduledController,
  waitOnExecutionContext,
} from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { groupName } from "../../src/domain/symbol.ts";
import { toIso } from "../../src/domain/time.ts";
import service from "../../src/index.ts";
import { LOG_LEVELS } from "../../src/platform/log.ts";
import { stepMarketClock } from "../../src/platform/clocks.ts";
import { deployment } from "./support/deployment.ts";
import {
  AAPL_GROUP,
  alpaca,
  api,
  connectTo,
  KEY,
  load,
  minute,
  MSFT_GROUP,
  stepTo,
  useWorld,
} from "./support/world.ts";

vi.mock("../../src/env.ts", async (importOriginal) => {
  const { deployedEnv } = await import("./support/deployment.ts");
  return await deployedEnv(importOriginal);
});

const HOME = groupName(AAPL_GROUP);
const POLL_OFFSET_MS = 5_000;
const lineSchema = z.looseObject({ level: z.enum(LOG_LEVELS), message: z.string() });
type Line = z.infer<typeof lineSchema>;

let lines: Line[] = [];

useWorld();
beforeEach(() => {
  alpaca.at = () => 123.45;
  lines = [];
  for (const level of LOG_LEVELS) {
    vi.spyOn(console, level).mockImplementation((text: unknown) => {
      lines.push(lineSchema.parse(JSON.parse(String(text))));
    });
  }
});

/** The one line of a message that these fields fit. */
function lineOf(message: string, fields: Readonly<Record<string, unknown>>): Line {
  const fitting = lines.filter((line) => line.message === message);
  const found = fitting.filter((line) =>
    Object.entries(fields).every(([name, value]) => line[name] === value),
  );
  expect(found, `${message} among ${JSON.stringify(fitting)}`).toHaveLength(1);
  return lineSchema.parse(found[0]);
}

/** A cron tick of the whole service, and the poll of AAPL's group that it makes due. */
async function playTick(index: number): Promise<void> {
  stepMarketClock(minute(index));
  const context = createExecutionContext();
  const controller = createScheduledController({
    scheduledTime: new Date(minute(index)),
    cron: "* * * * *",
  });
  await service.scheduled(controller, env, context);
  await waitOnExecutionContext(context);
  await stepTo(minute(index) + POLL_OFFSET_MS, [AAPL_GROUP]);
}

describe("a bar", () => {
  it("can be followed by the ids of the log from the cron tick to the client", async () => {
    deployment.variables = { LOG_LEVEL: "debug" };
    await load([AAPL_GROUP]);
    const client = await connectTo(MSFT_GROUP);
    await client.subscribe(["AAPL"]);
    await playTick(1);
    await client.settled();

    const tick = lineOf("a minute was planned", { minute: toIso(minute(1)) });
    expect(tick).toMatchObject({ groups: 32, failed: 0, polls: true });
    const job = lineOf("a job was run", { group: HOME, minute: toIso(minute(0)) });
    expect(job).toMatchObject({ providers: "alpaca", bars: 2, uncovered: 0, failures: 0 });
    const ingested = lineOf("an answer was taken in", { job: job["job"] });
    const { epoch, fs_to: fs } = ingested;
    expect(ingested).toMatchObject({ group: HOME, class: "bars", duty: job["duty"], fs_from: fs });
    lineOf("flushes were stored", { group: HOME, class: "bars", epoch, fs_from: fs, fs_to: fs });
    const delivered = lineOf("flushes were delivered", { epoch, fs_to: fs });
    expect(delivered).toMatchObject({ host: groupName(MSFT_GROUP), connections: 1 });
    const flush = client.flushes().find((each) => each.fs === fs);
    expect(flush).toMatchObject({ g: delivered["stream"], e: epoch });
    expect(JSON.stringify(flush)).toContain("123.45");
    expect(JSON.stringify(lines)).not.toMatch(/test-bootstrap|"secret"|key-id/);
  });

  it("takes three lines a group and one a minute at the level that is the default", async () => {
    deployment.variables = {};
    await load([AAPL_GROUP]);
    const client = await connectTo(MSFT_GROUP);
    await client.subscribe(["AAPL"]);
    await playTick(1);
    await client.settled();
    lines = [];
    await playTick(2);
    await client.settled();
    expect(lines.map(({ message }) => message).toSorted()).toEqual([
      "a job was run",
      "a minute was planned",
      "an answer was taken in",
      "flushes were stored",
    ]);
  });
});

describe("a request", () => {
  it("has the caller's id in its answer, its problem and its line", async () => {
    deployment.variables = { LOG_LEVEL: "debug" };
    const id = "desk-7:2026.1_a";
    const response = await api("/v1/bars?symbols=aapl", {
      authorization: `Bearer ${KEY}`,
      "X-Request-Id": id,
    });
    expect(response.headers.get("x-request-id")).toBe(id);
    expect(await response.json()).toMatchObject({ code: "invalid_parameter", request_id: id });
    expect(lineOf("a request was answered", { request_id: id })).toMatchObject({
      level: "debug",
      method: "GET",
      route: "/v1/bars",
      status: 422,
    });
  });

  it("is given one of its own instead of what is not well formed", async () => {
    deployment.variables = { LOG_LEVEL: "debug" };
    for (const path of ["/v1/calendar", "/health", "/nowhere"]) {
      const response = await api(path, {
        authorization: `Bearer ${KEY}`,
        "X-Request-Id": 'a"b c',
      });
      const id = response.headers.get("x-request-id");
      expect(id).toMatch(/^[0-9a-f-]{36}$/);
      const route = path === "/nowhere" ? "none" : path;
      lineOf("a request was answered", { request_id: id, route });
    }
  });
});
