import { setTimeout as delay } from "node:timers/promises";

const POLL_MS = 100;
const TIMEOUT_MS = 30_000;

/** Asks another process until it has an answer; undefined is none. Rejects when it never has. */
export async function waitFor<T>(ask: () => Promise<T | undefined>): Promise<T> {
  const deadline = performance.now() + TIMEOUT_MS;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (performance.now() > deadline) throw new Error(`no answer within ${TIMEOUT_MS / 1_000} s`);
    await delay(POLL_MS);
  }
}
