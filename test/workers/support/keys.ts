import { env, exports } from "cloudflare:workers";
import { z } from "zod";
import type { KeyRole } from "../../../src/contracts/keys.ts";
import { KEY } from "./world.ts";

export const keyViewSchema = z
  .object({
    id: z.string(),
    name: z.string(),
    role: z.string(),
    status: z.string(),
    created_at: z.string(),
    expires_at: z.string().nullable(),
    revoked_at: z.string().nullable(),
    replaces: z.string().nullable(),
    replaced_by: z.string().nullable(),
    limits: z.object({ requests_per_minute: z.number(), connections_per_host: z.number() }),
    usage: z.object({
      requests: z.number(),
      refused: z.number(),
      last_used_at: z.string().nullable(),
    }),
  })
  .strict();
const madeSchema = keyViewSchema.extend({ key: z.string() });
export type MadeKey = z.infer<typeof madeSchema>;

/** A request with a key, the bootstrap key unless another one is given. */
export async function ask(
  method: string,
  path: string,
  { key = KEY, body, headers = {} }: Asked = {},
): Promise<Response> {
  const request = new Request(`https://mds.test${path}`, {
    method,
    headers: { ...(key === null ? {} : { authorization: `Bearer ${key}` }), ...headers },
    ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
  });
  return await exports.default.fetch(request);
}

interface Asked {
  readonly key?: string | null;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A key of a role, made as an operator makes one. */
export async function makeKey(
  role: KeyRole,
  more: Readonly<Record<string, unknown>> = {},
): Promise<MadeKey> {
  const response = await ask("POST", "/ops/keys", {
    body: { name: `a ${role} key`, role, ...more },
  });
  return await madeOf(response);
}

export async function madeOf(response: Response): Promise<MadeKey> {
  const text = await response.text();
  if (response.status !== 201) throw new Error(`${response.status} ${text}`);
  return madeSchema.parse(JSON.parse(text));
}

/** Status and code of a refusal. */
export async function refusal(response: Promise<Response>): Promise<[number, string]> {
  const answer = await response;
  const { code } = z.object({ code: z.string() }).parse(await answer.json());
  return [answer.status, code];
}

export function store() {
  return env.CONFIG_STORE.getByName("config");
}
