import { createQueue, deadLetterQueue, REQUIRED_SECRETS } from "../deployment/required.ts";
import { type Check, fail, ok, unknown, warn } from "./check.ts";

/** Any of them lets some policy be served. */
const PROVIDER_SECRETS = [
  "POLYGON_API_KEY",
  "ALPACA_KEY_ID",
  "FINNHUB_TOKEN",
  "IEX_KEY_ID",
] as const;

/** Secrets as Cloudflare lists them, by name. */
export const secretsSet: Check = {
  name: "secrets at Cloudflare",
  run: async ({ cloudflare }) => {
    const names = await cloudflare.secrets();
    if (!names.known) return unknown(names.why, "npx wrangler login, then run this again");
    const lacks = REQUIRED_SECRETS.filter((name) => !names.value.includes(name));
    if (lacks.length > 0)
      return fail(`missing: ${lacks.join(", ")}`, `npx wrangler secret put ${lacks[0] ?? "NAME"}`);
    if (!PROVIDER_SECRETS.some((name) => names.value.includes(name)))
      return warn("no provider has a key", "docs/deploy.md, section Secrets");
    return ok(names.value.join(", "));
  },
};

/** The queue of dead letters, and that something reads it. */
export const queueConsumed: Check = {
  name: "dead letter queue",
  run: async ({ cloudflare, repository }) => {
    const name = deadLetterQueue(repository.read("wrangler.toml") ?? "");
    const info = await cloudflare.queue(name);
    if (!info.known && (await cloudflare.isLoggedIn())) return fail(info.why, createQueue(name));
    if (!info.known) return unknown(info.why, "npx wrangler login, then run this again");
    const consumers = /Number of Consumers:\s*(\d+)/i.exec(info.value)?.[1];
    if (consumers === undefined)
      return unknown(
        "wrangler does not say how many consumers it has",
        `npx wrangler queues info ${name}`,
      );
    if (consumers === "0")
      return fail(
        "nothing reads it: letters are lost after 14 days",
        "npm run deploy binds the consumer",
      );
    return ok(`${consumers} consumer`);
  },
};
