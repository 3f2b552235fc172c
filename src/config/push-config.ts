import type { ConfigStamp, HeldConfig } from "../contracts/config-version.ts";
import { PROVIDER_IDS } from "../domain/provider-id.ts";
import { groupName } from "../domain/symbol.ts";
import { TIERS } from "../domain/tier.ts";
import { errorText } from "../platform/log.ts";
import {
  backfillQueueStub,
  providerBreakerStub,
  sloMonitorStub,
  symbolGroupStub,
} from "../platform/stubs.ts";
import { within } from "../platform/timers.ts";

/** An object that does not answer in time hears of it by itself, at its next act. */
const ANSWER_TIMEOUT_MS = 2_000;

/** What an object holds, or why it did not say. */
export interface ObjectConfig {
  readonly object: string;
  readonly held: HeldConfig | null;
  readonly error: string | null;
}

/**
 * Tells every object with a fixed name that a version has become the active one (null: only asks), all at
 * once and each with a bound on its answer. Never rejects.
 */
export async function pushConfig(
  told: ConfigStamp | null,
  symbolGroups: number,
  env: Env,
): Promise<ObjectConfig[]> {
  const objects: (readonly [string, () => Promise<HeldConfig>])[] = [
    ...Array.from({ length: symbolGroups }, (_, group) => {
      const ask = async () => ({ ...(await symbolGroupStub(env, group).learnConfig(told)) });
      return [groupName(group), ask] as const;
    }),
    ...PROVIDER_IDS.map((provider) => {
      const ask = async () => ({ ...(await providerBreakerStub(env, provider).learnConfig(told)) });
      return [`breaker ${provider}`, ask] as const;
    }),
    ...TIERS.map((tier) => {
      const ask = async () => ({ ...(await backfillQueueStub(env, tier).learnConfig(told)) });
      return [`queue ${tier}`, ask] as const;
    }),
    ["slo", async () => ({ ...(await sloMonitorStub(env).learnConfig(told)) })],
  ];
  return await Promise.all(objects.map(([object, ask]) => answerOf(object, ask)));
}

async function answerOf(object: string, ask: () => Promise<HeldConfig>): Promise<ObjectConfig> {
  try {
    return { object, held: await within(ANSWER_TIMEOUT_MS, ask()), error: null };
  } catch (error) {
    return { object, held: null, error: errorText(error) };
  }
}
