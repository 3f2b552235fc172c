import type { BackfillEnd, OfferedHole } from "../src/contracts/backfill.ts";
import { MAX_OFFERED_HOLES } from "../src/contracts/backfill.ts";
import { MinuteBeliefs } from "../src/domain/belief.ts";
import { createCalendar } from "../src/domain/calendar.ts";
import { Roster } from "../src/domain/roster.ts";
import { MINUTE_MS } from "../src/domain/time.ts";
import { advanceWatermark, type GroupView, missingMinutes } from "../src/domain/watermark.ts";
import service, { FetchRunner as ServiceFetchRunner } from "../src/index.ts";
import { stepMarketClock, useSteppedMarketClock } from "../src/platform/clocks.ts";
import { HoleBook } from "../src/symbol-group/hole-book.ts";
import { answerFanout } from "./bench/inside/fanout-routes.ts";
import { answerTrace } from "./bench/inside/trace-routes.ts";

// The service as it is measured: nothing asks a provider, and nothing is due by itself.
useSteppedMarketClock("development");

export {
  BackfillQueue,
  ConfigStore,
  MetricsHub,
  ProviderBreaker,
  SloMonitor,
} from "../src/index.ts";
export { SymbolGroup } from "./bench/inside/bench-group.ts";

const SESSION = createCalendar().previousSession(Date.UTC(2026, 2, 19, 22));
const NOW_MS = SESSION.closeMs + 10 * MINUTE_MS;
const GROUPS = 32;
const MEMBERS = 250;
/** One in so many symbols lacks a minute. */
const LACKS_ONE_IN = 50;

/** A runner whose providers answer everything at once. */
export class FetchRunner extends ServiceFetchRunner {
  override async runBackfill(): Promise<BackfillEnd> {
    return { open: [], cause: null };
  }
}

/** So many holes: each a job of its own, or 250 symbols of a group a job. */
function holesOf(count: number, batched: boolean): OfferedHole[] {
  return Array.from({ length: count }, (_, index) => {
    const place = batched ? Math.floor(index / MEMBERS) : index;
    const groups = batched ? GROUPS : 1_024;
    const startMs = SESSION.openMs + 2 * Math.floor(place / groups) * MINUTE_MS;
    return {
      group: place % groups,
      symbol: `S${index}`,
      interval: "1m",
      startMs,
      endMs: startMs + MINUTE_MS,
      priority: 0,
    };
  });
}

/** Offers holes to a real queue and has them run to the end; answers how many were not filled. */
async function runQueue(env: Env, count: number, batched: boolean): Promise<{ left: number }> {
  const queue = env.BACKFILL_QUEUE.getByName("T2");
  const holes = holesOf(count, batched);
  for (let at = 0; at < holes.length; at += MAX_OFFERED_HOLES)
    await queue.offer(holes.slice(at, at + MAX_OFFERED_HOLES), "gap");
  await queue.runUntilQuiet();
  return { left: (await queue.status()).depth };
}

/** Groups with a session of beliefs; in each minute one symbol of fifty has neither bar nor absence. */
function groupViews(): GroupView[] {
  const calendar = createCalendar();
  return Array.from({ length: GROUPS }, (_, group) => {
    const members = Array.from({ length: MEMBERS }, (__, slot) => {
      const sid = group * MEMBERS + slot;
      const base = { slot, sid, tier: "T1" as const, active: true };
      return { ...base, symbol: `S${sid}`, sinceMs: 0, reusedOn: null };
    });
    const source = { provider: "alpaca" as const, feed: "sip" as const };
    const bar = { state: "bar" as const, source, revision: 0, askedAt: NOW_MS };
    const beliefs = new Map<number, MinuteBeliefs>();
    for (let ts = SESSION.openMs; ts < SESSION.closeMs; ts += MINUTE_MS) {
      const minute = new MinuteBeliefs(MEMBERS);
      for (let slot = 0; slot < MEMBERS; slot += 1) {
        if ((slot + ts / MINUTE_MS) % LACKS_ONE_IN === 0) continue;
        minute.set(slot, { ...bar, fingerprint: [slot, group] });
      }
      beliefs.set(ts, minute);
    }
    const none = new MinuteBeliefs(MEMBERS);
    return {
      roster: new Roster(members),
      calendar,
      settleDelayMs: 90_000,
      beliefsAt: (ts) => beliefs.get(ts) ?? none,
    };
  });
}

let views: readonly GroupView[] | null = null;

/** Finds the holes of a session in every group, and moves the watermarks over it; answers how many. */
function findGaps(): { symbols: number; holes: number } {
  views ??= groupViews();
  let holes = 0;
  for (const view of views) {
    const book = new HoleBook([]);
    const missing = missingMinutes(SESSION.openMs, NOW_MS, view);
    holes += book.open(missing, view.roster).length;
    const isOpen = (slot: number, ts: number) => book.isOpen(slot, ts);
    const reached = advanceWatermark(SESSION.openMs, NOW_MS, view, isOpen);
    if (reached !== SESSION.closeMs) throw new Error(`the watermark stands at ${reached}`);
  }
  return { symbols: GROUPS * MEMBERS, holes };
}

export default {
  ...service,
  async fetch(request, env, ctx) {
    const { pathname, searchParams } = new URL(request.url);
    stepMarketClock(NOW_MS);
    if (pathname === "/bench/gaps") return Response.json(findGaps());
    const traced = answerTrace(request);
    if (traced !== null) return traced;
    if (pathname !== "/bench/queue")
      return (await answerFanout(request, env)) ?? (await service.fetch(request, env, ctx));
    const count = Number(searchParams.get("holes"));
    return Response.json(await runQueue(env, count, searchParams.get("batched") === "true"));
  },
} satisfies ExportedHandler<Env>;
