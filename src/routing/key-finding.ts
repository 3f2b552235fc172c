import { CAPABILITIES, type Capability, type ProviderId } from "../domain/provider-id.ts";
import type { PlanCorrection } from "./plan-correction.ts";
import type { ProviderSnapshot } from "./provider-snapshot.ts";

/** What a provider's key has shown, against what is configured. */
export interface KeyFinding {
  readonly correction: PlanCorrection | null;
  /** The provider's words by capability for which it is held back. */
  readonly refused: Readonly<Partial<Record<Capability, string>>>;
}

/** What is known by provider; one that is not there has shown nothing. */
export type KeyFindings = ReadonlyMap<ProviderId, KeyFinding>;

/** What a provider's object knows of its key. */
export function keyFinding({ correction, capabilities }: ProviderSnapshot): KeyFinding {
  const refused: Partial<Record<Capability, string>> = {};
  for (const { capability, right, entitlement } of capabilities) {
    if (right !== "granted") refused[capability] = entitlement?.message ?? "no reason given";
  }
  return { correction, refused };
}

/** What operators are to be warned of: refusals say that a key gives less than is configured. */
export function findingWarnings(findings: KeyFindings): string[] {
  return [...findings].flatMap(([provider, { correction, refused }]) => [
    ...(correction === null
      ? []
      : [
          `${provider}: its key is later than the configured plan: ${lateness(correction.delayMs)} (${correction.message ?? "no reason given"})`,
        ]),
    ...CAPABILITIES.flatMap((capability) =>
      refused[capability] === undefined
        ? []
        : [`${provider}: its key was refused for ${capability}: ${refused[capability]}`],
    ),
  ]);
}

/** How late minutes are, as words; a delay of 0 is live. */
export function lateness(delayMs: PlanCorrection["delayMs"]): string {
  if (delayMs === "end_of_day") return "minutes come on the next trading date";
  return delayMs === 0 ? "minutes come live" : `minutes come ${delayMs / 1_000} s late`;
}
