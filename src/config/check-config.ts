import type { ServiceConfig } from "../contracts/config.ts";
import { sizeOf, type TierSizes } from "../domain/credit-reach.ts";
import { CAPABILITIES, type Capability } from "../domain/provider-id.ts";
import type { Settings } from "../env.ts";
import type { KeyFindings } from "../routing/key-finding.ts";
import {
  carriesAll,
  type PolicyCapacity,
  policyCapacities,
  shortageText,
} from "../routing/policy-capacity.ts";
import { policyStandings } from "../routing/policy-standing.ts";
import { jsonPath } from "./json-path.ts";

/** What a check of a configuration found, with its numbers. Only a `fault` keeps it from being taken. */
export interface ConfigCheck {
  readonly check: "breaker_thresholds" | "policy" | "served" | "capacity";
  readonly path: string;
  readonly verdict: "ok" | "warning" | "fault";
  readonly detail: string;
  readonly numbers: Readonly<Record<string, number | string | null>>;
}

/** What the checks are held against: the tiers as they are served now, and what the keys have shown. */
export interface CheckedWorld {
  readonly sizes: TierSizes;
  readonly findings: KeyFindings;
}

/**
 * What a configuration would do to the service as it is: no policy that is served may become unserved, nor
 * may the provider that a policy depends on carry fewer of its symbols than is carried now. What is no
 * worse than before is a warning: a short plan must not keep an operator from changing anything else.
 */
export function checkConfig(before: Settings, after: Settings, world: CheckedWorld): ConfigCheck[] {
  return [
    thresholds(after.config),
    ...CAPABILITIES.map((capability) => policy(capability, after.config)),
    ...served(before, after, world),
    ...capacities(before, after, world),
  ];
}

/** The schema refuses whatever is wrong here: told for its numbers. */
function thresholds({ breaker: { demote, promote } }: ServiceConfig): ConfigCheck {
  const isRight = 0 <= demote && demote < promote && promote <= 1;
  return {
    check: "breaker_thresholds",
    path: "$.breaker",
    verdict: isRight ? "ok" : "fault",
    detail: `0 <= demote ${demote} < promote ${promote} <= 1`,
    numbers: { demote, promote },
  };
}

function policy(capability: Capability, { policies }: ServiceConfig): ConfigCheck {
  const names = policies[capability];
  return {
    check: "policy",
    path: pathOf(capability),
    verdict: names.length > 0 ? "ok" : "fault",
    detail: `${names.length} known providers: ${names.join(", ")}`,
    numbers: { providers: names.length },
  };
}

function served(before: Settings, after: Settings, { findings }: CheckedWorld): ConfigCheck[] {
  const now = new Map(policyStandings(before, findings).map((one) => [one.capability, one]));
  return policyStandings(after, findings).map(({ capability, servedBy, unservedReason }) => {
    const servedNow = now.get(capability)?.servedBy ?? null;
    const numbers = { served_by_now: servedNow, served_by_then: servedBy };
    const common = { check: "served", path: pathOf(capability), numbers } as const;
    if (servedBy !== null)
      return { ...common, verdict: "ok", detail: `policy ${capability} is served by ${servedBy}` };
    const why = `policy ${capability} ${servedNow === null ? "is" : "becomes"} unserved: ${unservedReason}`;
    return { ...common, verdict: servedNow === null ? "warning" : "fault", detail: why };
  });
}

function capacities(before: Settings, after: Settings, { sizes }: CheckedWorld): ConfigCheck[] {
  const now = policyCapacities(before, sizes);
  return policyCapacities(after, sizesUnder(before.config, after.config, sizes)).map((then) => {
    const first = now.find((one) => one.isFirst && one.capability === then.capability);
    const beyondNow = first === undefined ? 0 : sizeOf(first.reach.beyond);
    const beyondThen = sizeOf(then.reach.beyond);
    return {
      check: "capacity",
      path: pathOf(then.capability),
      verdict: carriesAll(then)
        ? "ok"
        : then.isFirst && beyondThen > beyondNow
          ? "fault"
          : "warning",
      detail: capacityText(then),
      numbers: {
        provider: then.provider,
        calls_per_minute: then.callsPerMinute,
        needed_calls_per_minute: Math.ceil(then.reach.neededCallsPerMinute),
        symbols_carried: sizeOf(then.reach.carried),
        symbols_beyond: beyondThen,
        symbols_beyond_now: beyondNow,
      },
    };
  });
}

function capacityText(capacity: PolicyCapacity): string {
  if (!carriesAll(capacity)) return shortageText(capacity);
  const { capability, provider, callsPerMinute, reach } = capacity;
  const needed = Math.ceil(reach.neededCallsPerMinute);
  return `policy ${capability}: ${provider} has ${callsPerMinute} calls a minute of the ${needed} needed`;
}

/** The tiers as they would be: as they are, unless their sizes change. Pins are left out of account. */
function sizesUnder(before: ServiceConfig, after: ServiceConfig, now: TierSizes): TierSizes {
  const [was, size] = [before.tiers.size, after.tiers.size];
  if (was.T0 === size.T0 && was.T1 === size.T1) return now;
  const all = sizeOf(now);
  const T0 = Math.min(size.T0, all);
  const T1 = Math.min(size.T1, all - T0);
  return { T0, T1, T2: all - T0 - T1 };
}

function pathOf(capability: Capability): string {
  return jsonPath(["policies", capability]);
}
