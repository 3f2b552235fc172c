import { env, exports } from "cloudflare:workers";
import { afterEach, beforeEach, vi } from "vitest";
import { z } from "zod";
import { configStoreStub } from "../../../src/platform/stubs.ts";
import { KEY } from "./world.ts";

const realNow = Date.now.bind(Date);
let aheadMs = 0;

/**
 * Wall time moves by hand, and far between tests: what one of them has left of its configuration is asked
 * for again by the next.
 */
export function useWallByHand(): {
  readonly pass: (ms: number) => void;
  readonly now: () => number;
} {
  let nowMs = 0;
  beforeEach(() => {
    aheadMs += 3_600_000;
    nowMs = realNow() + aheadMs;
    vi.spyOn(Date, "now").mockImplementation(() => nowMs);
  });
  afterEach(() => void (aheadMs += 3_600_000));
  return { pass: (ms) => void (nowMs += ms), now: () => nowMs };
}

/** A request to a route of the configuration. */
export async function ops(
  method: string,
  path: string,
  { body, version }: { readonly body?: unknown; readonly version?: number | string } = {},
): Promise<Response> {
  return await exports.default.fetch(
    new Request(`https://mds.test/ops/config${path}`, {
      method,
      headers: {
        authorization: `Bearer ${KEY}`,
        ...(version === undefined
          ? {}
          : { "if-match": typeof version === "number" ? `"${version}"` : version }),
      },
      ...(body === undefined
        ? {}
        : { body: typeof body === "string" ? body : JSON.stringify(body) }),
    }),
  );
}

/** The version that is active now. */
export async function activeNow(): Promise<number> {
  return (await configStoreStub(env).configState(null)).active.version;
}

/** Replaces the configuration by way of the API, which tells every object; answers the new version. */
export async function setConfig(body: object): Promise<number> {
  const response = await ops("PUT", "", { body, version: await activeNow() });
  const answer: unknown = await response.json();
  if (response.status !== 200) throw new Error(JSON.stringify(answer));
  return z.object({ version: z.number() }).parse(answer).version;
}

/** Replaces it in ConfigStore alone: nobody is told. */
export async function setConfigUntold(change: (config: Record<string, unknown>) => object) {
  const store = configStoreStub(env);
  const { active, body } = await store.configState(null);
  const config = z.record(z.string(), z.unknown()).parse(JSON.parse(body ?? "{}"));
  return await store.swapConfig({
    expected: active.version,
    body: JSON.stringify({ ...config, ...change(config) }),
    origin: "operator",
    actor: "test",
    reason: null,
  });
}
