import { z } from "zod";
import { askWrangler, wranglerFault, type WranglerResult } from "./wrangler.ts";

/** What somebody else knows, or why it can't be had. */
export type Lookup<T> =
  | { readonly known: true; readonly value: T }
  | { readonly known: false; readonly why: string };

/** The Cloudflare account, as wrangler sees it. No verb rejects. */
export interface CloudflarePort {
  readonly isLoggedIn: () => Promise<boolean>;
  /** Names of the Worker's secrets. */
  readonly secrets: () => Promise<Lookup<readonly string[]>>;
  /** What wrangler says of a queue. */
  readonly queue: (name: string) => Promise<Lookup<string>>;
}

const secretsSchema = z.array(z.looseObject({ name: z.string() }));
const LOCAL_HOSTS = ["127.0.0.1", "localhost", "[::1]"];

/** The account that wrangler is logged in to, for the Worker of the checkout at `root`. */
export function wranglerAccount(root: string): CloudflarePort {
  let login: Promise<WranglerResult> | undefined;
  const isLoggedIn = async () => {
    login ??= askWrangler(root, ["whoami", "--json"]);
    return (await login).code === 0;
  };
  const asked = async (args: readonly string[]): Promise<Lookup<string>> => {
    if (!(await isLoggedIn())) return { known: false, why: "wrangler is not logged in" };
    const result = await askWrangler(root, args);
    if (result.code !== 0) return { known: false, why: wranglerFault(result) };
    return { known: true, value: result.stdout };
  };
  return {
    isLoggedIn,
    secrets: async () => {
      const found = await asked(["secret", "list", "--format=json"]);
      if (!found.known) return found;
      const names = secretsSchema.parse(JSON.parse(found.value)).map(({ name }) => name);
      return { known: true, value: names };
    },
    queue: (name) => asked(["queues", "info", name]),
  };
}

/** The account of the deployment at `url`; one on this machine has none. */
export function accountOf(root: string, url: string): CloudflarePort {
  if (!LOCAL_HOSTS.includes(new URL(url).hostname)) return wranglerAccount(root);
  const local = async () => ({ known: false as const, why: "a local stack is in no account" });
  return { isLoggedIn: async () => false, secrets: local, queue: local };
}
