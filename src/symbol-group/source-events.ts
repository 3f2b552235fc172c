import type { SourceEvent } from "../contracts/flush.ts";
import type { IngestAnswer, PollOutcome } from "../contracts/ingest.ts";

/** A provider and its feed, as source events name them. */
export function sourceName({ source }: IngestAnswer): string {
  return `${source.provider}/${source.feed}`;
}

/** The answer that brought most: a few symbols that another provider adds are no change of source. */
export function mainAnswer(outcome: PollOutcome): IngestAnswer | undefined {
  return outcome.answers.toSorted((a, b) => b.bars.length - a.bars.length)[0];
}

/**
 * The event of a change from the source before to that of the main answer: because the one before
 * failed, was not believed, or because the policy prefers the other.
 */
export function sourceChange(before: string, after: string, outcome: PollOutcome): SourceEvent {
  const failure = outcome.failures.find(({ provider }) => before.startsWith(`${provider}/`));
  const isDoubted = outcome.answers.some(
    (answer) => sourceName(answer) === before && answer.doubted.length > 0,
  );
  return ["bars_1m", before, after, failure?.kind ?? (isDoubted ? "implausible" : "policy")];
}

/** The events of absences that were believed although one answer alone was not. */
export function evidenceEvents(answer: IngestAnswer, evidence: Iterable<string>): SourceEvent[] {
  const given = sourceName(answer);
  return [...evidence].map((reason) => ["bars_1m", given, given, reason]);
}
