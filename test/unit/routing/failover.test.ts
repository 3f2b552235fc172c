import { describe, expect, it } from "vitest";
import type { ProviderId } from "../../../src/domain/provider-id.ts";
import type { ProviderErrorKind } from "../../../src/providers/provider-error.ts";
import type { Admission } from "../../../src/routing/admission.ts";
import {
  type Decision,
  decisionSchema,
  explainVerdict,
  signatureOf,
  wasAsked,
} from "../../../src/routing/decision.ts";
import { askInTurn, recordDecision } from "../../../src/routing/failover.ts";

const CLOSED: Admission = { state: "closed", h: 1 };
const NOW_MS = 1_774_013_460_000;

/** Runs a choice; `failing` say their fault and answer nothing, the others answer everything. */
async function decide(
  admissions: Partial<Record<ProviderId, Admission>>,
  change: { failing?: Partial<Record<ProviderId, ProviderErrorKind>>; probing?: ProviderId[] } = {},
): Promise<Decision> {
  let done = false;
  const providers = (["polygon", "alpaca", "finnhub", "iex"] as const).filter(
    (id) => admissions[id] !== undefined,
  );
  return askInTurn({
    capability: "bars_1m",
    providers,
    breaker: (id) => ({
      admission: async () => admissions[id] ?? CLOSED,
      takeProbe: async () => change.probing?.includes(id) !== true,
    }),
    nowMs: NOW_MS,
    ask: async (id) => {
      const fault = change.failing?.[id] ?? null;
      if (fault === null) done = true;
      return fault;
    },
    isDone: () => done,
  });
}

const verdicts = (decision: Decision) =>
  decision.candidates.map(({ provider, verdict, failure }) => [provider, verdict, failure]);
const why = (decision: Decision) =>
  decision.candidates.map((candidate) => explainVerdict(candidate, decision));

describe("what a job decides about its candidates", () => {
  it("is that the first closed one is called and those behind it are not needed", async () => {
    const decision = await decide({ polygon: CLOSED, alpaca: CLOSED });
    expect(verdicts(decision)).toEqual([
      ["polygon", "called", null],
      ["alpaca", "not_needed", null],
    ]);
    expect(why(decision)).toEqual([
      "its breaker is closed and it is the first of the policy",
      "polygon answered everything before its turn in the policy",
    ]);
    expect(decisionSchema.parse(decision)).toEqual(decision);
  });

  it("tells an open and an isolated one from one that was not needed, with state and score", async () => {
    const decision = await decide({
      polygon: { state: "open", h: 0.31 },
      alpaca: CLOSED,
      finnhub: { state: "isolated", h: 0.9 },
      iex: { state: "half_open", h: 0.5 },
    });
    expect(verdicts(decision)).toEqual([
      ["polygon", "open", null],
      ["alpaca", "called", null],
      ["finnhub", "isolated", null],
      ["iex", "not_needed", null],
    ]);
    expect(decision.candidates[0]).toMatchObject({ state: "open", h: 0.31 });
    expect(why(decision).slice(0, 3)).toEqual([
      "its breaker is open",
      "its breaker is closed and those before it in the policy could not be asked",
      "it is isolated by an operator",
    ]);
  });

  it("names the fault of one that was asked, and why the next one was", async () => {
    const decision = await decide(
      { polygon: { state: "half_open", h: 0.5 }, alpaca: CLOSED },
      { failing: { polygon: "timeout" } },
    );
    expect(verdicts(decision)).toEqual([
      ["polygon", "probed", "timeout"],
      ["alpaca", "called", null],
    ]);
    expect(why(decision)).toEqual([
      "its breaker is half-open: asked to find out; it failed: timeout",
      "its breaker is closed and polygon left something out",
    ]);
  });

  it("tells a refused probe, and the last resort when nobody else could be asked", async () => {
    const decision = await decide(
      { polygon: { state: "half_open", h: 0.6 }, alpaca: { state: "open", h: 0.4 } },
      { probing: ["polygon"] },
    );
    expect(verdicts(decision)).toEqual([
      ["polygon", "last_resort", null],
      ["alpaca", "open", null],
    ]);
    const refused = await decide(
      { polygon: { state: "half_open", h: 0.6 }, alpaca: CLOSED },
      { probing: ["polygon"] },
    );
    expect(verdicts(refused)[0]).toEqual(["polygon", "probe_refused", null]);
  });

  it("holds back one whose key was refused, whatever its breaker, and says that it is not health", async () => {
    const decision = await decide({
      polygon: { state: "open", h: 0.2, right: "refused" },
      alpaca: { state: "closed", h: 1, right: "retry" },
      finnhub: { state: "isolated", h: 1, right: "refused" },
    });
    expect(verdicts(decision)).toEqual([
      ["polygon", "not_entitled", null],
      ["alpaca", "probed", null],
      ["finnhub", "isolated", null],
    ]);
    expect(why(decision).slice(0, 2)).toEqual([
      "its key was refused for this capability, and it is not yet time to ask again",
      "its key was refused a while ago: asked to find out",
    ]);
    expect(decisionSchema.parse(decision)).toEqual(decision);
    const waiting = await decide(
      { alpaca: { state: "closed", h: 1, right: "retry" } },
      { probing: ["alpaca"] },
    );
    expect(why(waiting)).toEqual([
      "its key was refused a while ago and enough probes are on their way",
    ]);
  });

  it("never asks an isolated provider, not even as the only one", async () => {
    const decision = await decide({ polygon: { state: "isolated", h: 1 } });
    expect(decision.candidates.filter(wasAsked)).toEqual([]);
  });

  it("is the same for the same inputs, and has the same signature whatever the scores", async () => {
    const inputs = { polygon: { state: "open", h: 0.2 }, alpaca: CLOSED } as const;
    expect(await decide(inputs)).toEqual(await decide(inputs));
    const other = await decide({ ...inputs, polygon: { state: "open", h: 0.3 } });
    expect(signatureOf(other)).toBe(signatureOf(await decide(inputs)));
    expect(signatureOf(await decide({ polygon: CLOSED, alpaca: CLOSED }))).not.toBe(
      signatureOf(other),
    );
  });

  it("is told to the breaker of every candidate, asked or not", async () => {
    const decision = await decide({ polygon: { state: "open", h: 0.2 }, alpaca: CLOSED });
    const told: ProviderId[] = [];
    await recordDecision(decision, (id) => ({
      recordDecision: async (given) => {
        expect(given).toEqual(decision);
        told.push(id);
      },
    }));
    expect(told).toEqual(["polygon", "alpaca"]);
  });
});
