import { env, exports } from "cloudflare:workers";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { createApp } from "../../src/api/app.ts";
import { SECRET_VARIABLES } from "../../src/platform/secrets.ts";
import { ask, makeKey } from "./support/keys.ts";
import {
  AAPL_GROUP,
  alpaca,
  group,
  KEY,
  load,
  minute,
  polygon,
  tick,
  useWorld,
} from "./support/world.ts";

useWorld();

const SECRETS = [
  "database-password-0123456789",
  ...SECRET_VARIABLES.map((name): unknown => Reflect.get(env, name)),
].filter((value) => typeof value === "string");

/** Everything that was written to the console. */
const lines: string[] = [];
beforeEach(() => {
  lines.length = 0;
  for (const level of ["debug", "info", "log", "warn", "error", "trace"] as const)
    vi.spyOn(console, level).mockImplementation((...words: unknown[]) => {
      lines.push(
        words.map((word) => (word instanceof Error ? word.stack : String(word))).join(" "),
      );
    });
});

/** Nobody outside answers, and whatever was sent to them stands in the error. */
function failOutside(): void {
  vi.spyOn(globalThis, "fetch").mockImplementation(async (input, init) => {
    const request = new Request(input, init);
    const sent = [request.url, ...[...request.headers].flat()].join(" ");
    throw new TypeError(`could not send ${sent} for ${SECRETS.join(" ")}`);
  });
}

async function told(response: Response): Promise<string> {
  const headers = [...response.headers].flat().join(" ");
  return `${response.status} ${headers} ${await response.text()}`;
}

describe("no secret", () => {
  it("is there that this test does not know of", () => {
    expect(SECRETS).toHaveLength(6);
    for (const secret of SECRETS) expect(secret.length).toBeGreaterThan(20);
  });

  it("is told by an answer or a line of the log, whatever fails", async () => {
    const reader = await makeKey("read");
    const operator = await makeKey("ops");
    const keys = [KEY, reader.key, operator.key];
    await load([AAPL_GROUP]);
    failOutside();
    await tick(minute(1), [AAPL_GROUP]);
    await group(AAPL_GROUP).runUntilQuiet();
    const answers: string[] = [];
    const routes = createApp().routes.filter(({ method }) => method !== "ALL");
    for (const { method, path } of routes) {
      for (const key of keys) {
        // A key stands where it does not belong: in the path, in the query, in a body.
        const filled = path.replaceAll(/:\w+/g, key);
        const asked = { key, ...(method === "GET" ? {} : { body: { [key]: key, reason: key } }) };
        for (const query of ["", `?${key}=1`, `?page_token=${key}&symbols=${key}&key=${key}`])
          answers.push(await told(await ask(method, filled + query, asked)));
      }
    }
    for (const path of ["/providers", "/providers/alpaca", "/v1/bars?symbols=AAPL", "/ops/parked"])
      answers.push(await told(await ask("GET", path)));
    const upgrade = new Request(`https://mds.test/v1/stream?token=${KEY}`, {
      headers: { Upgrade: "websocket", "Sec-WebSocket-Protocol": `mds.v1, key.${reader.key}` },
    });
    answers.push(await told(await exports.default.fetch(upgrade)));
    expect(lines.length).toBeGreaterThan(3);
    for (const text of [...answers, ...lines]) {
      for (const secret of [...SECRETS, ...keys])
        for (const spelling of [secret, encodeURIComponent(secret)])
          if (text.includes(spelling)) throw new Error(`${spelling} stands in: ${text}`);
    }
  });

  it("is told when a provider says back the key that it refuses", async () => {
    await load([AAPL_GROUP]);
    const said = `no such key: ${SECRETS.join(", ")}`;
    for (const provider of [alpaca, polygon]) {
      const body = JSON.stringify({ error: said, message: said });
      provider.mood = { kind: "status", status: 401, body };
    }
    await tick(minute(1), [AAPL_GROUP]);
    const text = (await told(await ask("GET", "/health/ready"))) + lines.join("\n");
    expect(text).toContain("no such key: [secret]");
    for (const secret of SECRETS) expect(text).not.toContain(secret);
  });

  it("is told by the faults of a deployment that is not configured", async () => {
    const wrong = { ...env, DATABASE_URL: `mysql://${KEY}`, BOOTSTRAP_KEY: "short-secret" };
    const answer = await createApp().fetch(new Request("https://mds.test/v1/bars"), wrong);
    const text = await told(answer);
    expect(answer.status).toBe(503);
    for (const secret of [...SECRETS, "short-secret"]) expect(text).not.toContain(secret);
  });
});
