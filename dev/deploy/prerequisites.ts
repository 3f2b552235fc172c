import type { CloudflarePort, Lookup } from "../deployment/cloudflare.ts";
import { createQueue, REQUIRED_SECRETS } from "../deployment/required.ts";

/** What is known before anything is changed. */
export interface DeployFacts {
  /** `DATABASE_URL` of the environment: what is migrated. */
  readonly databaseUrl: string | undefined;
  readonly isLoggedIn: boolean;
  readonly secrets: Lookup<readonly string[]>;
  /** Name of the queue of dead letters, and what is known of it. */
  readonly queueName: string;
  readonly queue: Lookup<string>;
}

/** Asks for the facts. Changes nothing. */
export async function readFacts(
  env: Readonly<Record<string, string | undefined>>,
  cloudflare: CloudflarePort,
  queueName: string,
): Promise<DeployFacts> {
  return {
    databaseUrl: env["DATABASE_URL"],
    isLoggedIn: await cloudflare.isLoggedIn(),
    secrets: await cloudflare.secrets(),
    queueName,
    queue: await cloudflare.queue(queueName),
  };
}

/** Everything that lacks for a deploy, each with what to do; empty when nothing does. No value is repeated. */
export function deployFaults(facts: DeployFacts): string[] {
  const { databaseUrl, isLoggedIn, secrets, queueName, queue } = facts;
  const faults = [...databaseFaults(databaseUrl)];
  if (!isLoggedIn) {
    faults.push("wrangler is not logged in: npx wrangler login, or set CLOUDFLARE_API_TOKEN");
    // Without a login nothing more is known, and one fault is enough to say so.
    return faults;
  }
  if (!secrets.known) {
    faults.push(`the Worker's secrets can't be listed (${secrets.why}): put them first`);
  }
  const names = secrets.known ? secrets.value : [];
  for (const name of REQUIRED_SECRETS) {
    if (!names.includes(name))
      faults.push(`the secret ${name} is not set: npx wrangler secret put ${name}`);
  }
  if (!queue.known)
    faults.push(`there is no queue ${queueName} (${queue.why}): ${createQueue(queueName)}`);
  return faults;
}

function databaseFaults(databaseUrl: string | undefined): string[] {
  const give = "export the direct address of the database, postgres://…";
  if (databaseUrl === undefined || databaseUrl === "") return [`DATABASE_URL is not set: ${give}`];
  if (!/^postgres(ql)?:\/\//.test(databaseUrl) || !URL.canParse(databaseUrl))
    return [`DATABASE_URL is no postgres address: ${give}`];
  // The lock of a migration belongs to a session, which a pooler shares out. Neon names its poolers so.
  if (new URL(databaseUrl.replace(/^postgres(ql)?:/, "http:")).hostname.includes("-pooler"))
    return [`DATABASE_URL is a pooler's: ${give} without -pooler`];
  return [];
}
