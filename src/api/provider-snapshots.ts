import { PROVIDER_IDS, type ProviderId } from "../domain/provider-id.ts";
import { errorText } from "../platform/log.ts";
import { providerBreakerStub } from "../platform/stubs.ts";
import { within } from "../platform/timers.ts";
import { type KeyFindings, keyFinding } from "../routing/key-finding.ts";
import type { ProviderSnapshot } from "../routing/provider-snapshot.ts";

/** What each provider's object says of it, or why it could not be asked. */
export type ProviderSnapshots = ReadonlyMap<ProviderId, ProviderSnapshot | Error>;

/** An object answers in milliseconds; one that hangs must not hang whoever asks. */
const ANSWER_LIMIT_MS = 3_000;

/** Asks the object of a provider. Never rejects, and never takes long. */
export async function providerSnapshot(
  env: Env,
  name: ProviderId,
): Promise<ProviderSnapshot | Error> {
  try {
    return await within(ANSWER_LIMIT_MS, providerBreakerStub(env, name).snapshot());
  } catch (error) {
    return new Error(errorText(error));
  }
}

/** Asks the objects of all providers. */
export async function providerSnapshots(env: Env): Promise<ProviderSnapshots> {
  const asked = PROVIDER_IDS.map(
    async (name) => [name, await providerSnapshot(env, name)] as const,
  );
  return new Map(await Promise.all(asked));
}

/** What the keys have shown, of the objects that could be asked. */
export function findingsOf(snapshots: ProviderSnapshots): KeyFindings {
  return new Map(
    [...snapshots].flatMap(([name, snapshot]) =>
      snapshot instanceof Error ? [] : [[name, keyFinding(snapshot)] as const],
    ),
  );
}
