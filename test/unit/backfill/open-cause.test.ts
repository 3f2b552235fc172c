import { describe, expect, it } from "vitest";
import { openCauseOf } from "../../../src/backfill/open-cause.ts";
import type { OpenCause } from "../../../src/contracts/backfill.ts";
import type { ProviderId } from "../../../src/domain/provider-id.ts";
import type { Decision, Verdict } from "../../../src/routing/decision.ts";

const decided = (...verdicts: Verdict[]): Decision => ({
  atMs: 0,
  capability: "bars_1m",
  candidates: verdicts.map((verdict, index) => {
    const providers: readonly ProviderId[] = ["alpaca", "polygon", "finnhub"];
    return {
      provider: providers[index] ?? "iex",
      state: "closed",
      h: 1,
      verdict,
      failure: null,
    };
  }),
});
const failed = (...kinds: string[]) =>
  kinds.map((kind, index) => ({ provider: `p${index}`, kind, message: "m" }));

type Row = readonly [
  name: string,
  failures: readonly string[],
  verdicts: readonly Verdict[],
  asked: { answered: boolean; uncovered: boolean },
  cause: { kind: OpenCause["kind"]; reason: string; wide?: boolean },
];
const nobody = { answered: false, uncovered: true };
const some = { answered: true, uncovered: true };
const all = { answered: true, uncovered: false };

const TABLE: readonly Row[] = [
  ["no credits at all", ["no_credits"], ["called"], nobody, wait("no_credits", true)],
  ["credits for a part", ["no_credits"], ["called"], some, wait("no_credits", false)],
  ["a time-out", ["timeout"], ["called"], nobody, wait("provider_away", true)],
  [
    "a refusal beside bad data",
    ["malformed", "unavailable"],
    ["called", "called"],
    nobody,
    wait("provider_away", true),
  ],
  ["the quota is used up", ["rate_limited"], ["called"], nobody, wait("provider_away", true)],
  ["a key without rights", ["unauthorized"], ["called"], nobody, wait("provider_away", true)],
  ["a plan without it", ["not_entitled"], ["called"], some, wait("provider_away", false)],
  [
    "bad data while a breaker holds the other",
    ["malformed"],
    ["called", "open"],
    nobody,
    wait("provider_away", true),
  ],
  ["a probe refused", [], ["probe_refused"], nobody, wait("provider_away", true)],
  ["all isolated", [], ["isolated", "isolated"], nobody, wait("provider_away", true)],
  ["no provider in the policy", [], [], nobody, wait("provider_away", true)],
  [
    "bad data, the other isolated",
    ["malformed"],
    ["called", "isolated"],
    nobody,
    attempt("malformed"),
  ],
  [
    "an unknown symbol",
    ["not_found", "bad_request"],
    ["called", "called"],
    nobody,
    attempt("not_found"),
  ],
  ["an unheard-of kind", ["surprise"], ["called"], nobody, attempt("malformed")],
  ["nobody serves it", [], ["called", "called"], some, attempt("unserved")],
  ["answers that are not believed", [], ["called", "called"], all, attempt("implausible")],
];

describe("why a job left something open", () => {
  it.each(TABLE)("%s", (_name, kinds, verdicts, asked, expected) => {
    const cause = openCauseOf({ failures: failed(...kinds), ...asked }, [decided(...verdicts)]);
    expect(cause).toMatchObject(expected);
    for (const kind of kinds) expect(cause.error).toContain(kind);
  });
});

function wait(reason: string, wide: boolean) {
  return { kind: "wait" as const, reason, wide };
}

function attempt(reason: string) {
  return { kind: "attempt" as const, reason };
}
