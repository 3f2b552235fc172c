import { type EpochMs, SECOND_MS } from "../../../src/domain/time.ts";
import { hash32, hashUnit } from "../../market/hash.ts";

/** How a client leaves: with a close frame, or by a socket that is gone from one moment to the next. */
type LeaveKind = "close" | "cut";

/**
 * What a client does at a market time. `waitMs` is wall time after the step that reaches it, so that it falls
 * into the next step's traffic. `draw` is what a change of symbols is drawn from.
 */
export type ChurnEvent = { readonly atMs: EpochMs; readonly waitMs: number } & (
  | { readonly kind: "leave"; readonly how: LeaveKind }
  | { readonly kind: "come" }
  | { readonly kind: "change"; readonly draw: number }
);

/** When clients may leave, and when the runtime is killed under them. */
export interface ChurnTimes {
  readonly startMs: EpochMs;
  readonly endMs: EpochMs;
  readonly restartsAtMs: readonly EpochMs[];
}

/** Whose plan: `isHeavy` follows so much that a long absence is more than a socket replays. */
export interface ChurnedClient {
  readonly seed: number;
  readonly index: number;
  readonly isHeavy: boolean;
  readonly mayChange: boolean;
}

/** Parts of the session, so that a short one is like a whole one. Of 390 minutes: an hour between absences … */
const BETWEEN = 1 / 6.5;
/** … most of 5 s to 10 min, some up to 30 min, a few of 45 to 120 min. */
const SHORTEST_MS = 5 * SECOND_MS;
const SHORT = 1 / 39;
const MIDDLE = 1 / 13;
const LONG = { least: 1 / 8.7, most: 1 / 3.25 } as const;
const SHORT_SHARE = 0.82;
const MIDDLE_SHARE = 0.95;
const CUT_SHARE = 0.5;
/** Clients that are away while the runtime is killed, of each restart. */
const AWAY_OVER_RESTART_SHARE = 0.15;
const BEFORE_RESTART = 1 / 80;
const AFTER_RESTART = 1 / 20;
/** Returns before which the symbols were changed, and changes on the way from one absence to the next. */
const CHANGED_AWAY_SHARE = 0.2;
const CHANGED_HERE_SHARE = 0.5;
const MAX_WAIT_MS = 150;

interface Absence {
  readonly leaveMs: EpochMs;
  readonly backMs: EpochMs;
}

/** Numbers in [0, 1), one after the other: a stream of its own for each client. */
export function drawsOf(seed: number, index: number): () => number {
  const stream = hash32(seed, index, 71);
  let at = 0;
  return () => hashUnit(stream, (at += 1), 72);
}

/** What one client does in a session, in order: the same for the same seed. Ends present. */
export function planChurn(client: ChurnedClient, times: ChurnTimes): ChurnEvent[] {
  const draw = drawsOf(client.seed, client.index);
  const waitMs = () => Math.floor(draw() * MAX_WAIT_MS);
  const events: ChurnEvent[] = [];
  let presentFromMs = times.startMs;
  for (const { leaveMs, backMs } of absencesOf(client, times, draw)) {
    if (client.mayChange && draw() < CHANGED_HERE_SHARE) {
      const atMs = Math.floor(presentFromMs + (leaveMs - presentFromMs) * draw());
      events.push({ atMs, waitMs: waitMs(), kind: "change", draw: draw() });
    }
    const how = draw() < CUT_SHARE ? "cut" : "close";
    events.push({ atMs: leaveMs, waitMs: waitMs(), kind: "leave", how });
    if (client.mayChange && draw() < CHANGED_AWAY_SHARE)
      events.push({ atMs: backMs, waitMs: 0, kind: "change", draw: draw() });
    events.push({ atMs: backMs, waitMs: waitMs(), kind: "come" });
    presentFromMs = backMs;
  }
  return events;
}

function absencesOf(client: ChurnedClient, times: ChurnTimes, draw: () => number): Absence[] {
  const lengthMs = times.endMs - times.startMs;
  const wanted: Absence[] = [];
  const away = (leaveMs: number, forMs: number) =>
    wanted.push({
      leaveMs: Math.floor(leaveMs),
      backMs: Math.floor(Math.min(leaveMs + forMs, times.endMs)),
    });
  const long = () => (LONG.least + (LONG.most - LONG.least) * draw()) * lengthMs;
  for (const restartMs of times.restartsAtMs) {
    if (draw() >= AWAY_OVER_RESTART_SHARE) continue;
    const beforeMs = draw() * BEFORE_RESTART * lengthMs;
    away(restartMs - beforeMs, beforeMs + draw() * AFTER_RESTART * lengthMs);
  }
  if (client.isHeavy) away(times.startMs + (0.1 + 0.5 * draw()) * lengthMs, long());
  let atMs = times.startMs;
  for (;;) {
    atMs += -Math.log(1 - draw()) * BETWEEN * lengthMs;
    if (atMs >= times.endMs) break;
    const kind = draw();
    const shortMs = SHORT * lengthMs;
    if (kind < SHORT_SHARE) away(atMs, SHORTEST_MS * (shortMs / SHORTEST_MS) ** draw());
    else if (kind < MIDDLE_SHARE) away(atMs, shortMs + draw() * (MIDDLE - SHORT) * lengthMs);
    else away(atMs, long());
  }
  return withoutOverlaps(wanted);
}

/** Those asked for first stay; a later one that would begin or end within another is left out. */
function withoutOverlaps(wanted: readonly Absence[]): Absence[] {
  const kept: Absence[] = [];
  for (const absence of wanted) {
    const isFree = kept.every(
      ({ leaveMs, backMs }) => absence.backMs < leaveMs || absence.leaveMs > backMs,
    );
    if (isFree && absence.backMs > absence.leaveMs) kept.push(absence);
  }
  return kept.toSorted((a, b) => a.leaveMs - b.leaveMs);
}
