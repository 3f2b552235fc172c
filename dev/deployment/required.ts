/** Secrets that no deployment runs without. */
export const REQUIRED_SECRETS = ["DATABASE_URL", "BOOTSTRAP_KEY"] as const;

/** The queue of dead letters that a `wrangler.toml` binds: a second deployment of an account has one of its own. */
export function deadLetterQueue(wranglerToml: string): string {
  const name = /\[\[queues\.producers\]\][^[]*?\bqueue = "([^"]+)"/.exec(wranglerToml)?.[1];
  if (name === undefined) throw new Error("wrangler.toml has no queue of dead letters");
  return name;
}

/** How that queue is made, once: a letter is kept for 14 days, the longest that a queue can. */
export function createQueue(name: string): string {
  return `npx wrangler queues create ${name} --message-retention-period-secs 1209600`;
}
