import { describe, expect, it } from "vitest";
import type { IngestAnswer, PollOutcome } from "../../../src/contracts/ingest.ts";
import type { ProviderId } from "../../../src/domain/provider-id.ts";
import {
  evidenceEvents,
  mainAnswer,
  sourceChange,
} from "../../../src/symbol-group/source-events.ts";
import { answerOf, barOf, OPEN_MS } from "../../support/naive-group.ts";

function ingestOf(
  provider: ProviderId,
  bars: number,
  change: Partial<IngestAnswer> = {},
): IngestAnswer {
  return {
    ...answerOf(OPEN_MS, { source: { provider, feed: "sip" } }),
    receivedAt: 0,
    refused: {},
    bars: Array.from({ length: bars }, (_, index) => barOf(`S${index}`, OPEN_MS)),
    ...change,
  };
}

function outcomeOf(answers: IngestAnswer[], failures: PollOutcome["failures"] = []): PollOutcome {
  return { answers, calls: [], selected: [], failures, uncovered: 0 };
}

describe("a change of source", () => {
  const polygon = ingestOf("polygon", 5);

  it("is to the answer that brought most, not to who added a few symbols", () => {
    const outcome = outcomeOf([ingestOf("alpaca", 4), polygon, ingestOf("finnhub", 1)]);
    expect(mainAnswer(outcome)?.source.provider).toBe("polygon");
    expect(mainAnswer(outcomeOf([]))).toBeUndefined();
  });

  it.each([
    [
      "by its failure",
      outcomeOf([polygon], [{ provider: "alpaca", kind: "timeout", message: "" }]),
      "timeout",
    ],
    [
      "because it was not believed",
      outcomeOf([ingestOf("alpaca", 0, { doubted: [OPEN_MS] }), polygon]),
      "implausible",
    ],
    ["because the policy prefers the other", outcomeOf([polygon]), "policy"],
    [
      "not by the failure of a third",
      outcomeOf([polygon], [{ provider: "finnhub", kind: "timeout", message: "" }]),
      "policy",
    ],
  ] as const)("away from a provider is told %s", (_name, outcome, reason) => {
    expect(sourceChange("alpaca/sip", "polygon/sip", outcome)).toEqual([
      "bars_1m",
      "alpaca/sip",
      "polygon/sip",
      reason,
    ]);
  });
});

describe("absences that were believed although one answer alone was not", () => {
  it("are told with what they were believed on", () => {
    expect(evidenceEvents(ingestOf("polygon", 0), ["absence_agreed", "absence_repeated"])).toEqual([
      ["bars_1m", "polygon/sip", "polygon/sip", "absence_agreed"],
      ["bars_1m", "polygon/sip", "polygon/sip", "absence_repeated"],
    ]);
    expect(evidenceEvents(ingestOf("polygon", 0), [])).toEqual([]);
  });
});
