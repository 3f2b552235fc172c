import type { AuditRepair } from "../contracts/audit.ts";
import {
  type BackfillPlan,
  type BackfillRun,
  MAX_OFFERED_HOLES,
  type OfferAnswer,
  type OfferedHole,
  type StoredRange,
  type SymbolRange,
} from "../contracts/backfill.ts";
import { holePriority } from "../domain/hole-priority.ts";
import { withClosingWindow } from "../domain/poll-plan.ts";
import { type Tier, TIERS } from "../domain/tier.ts";
import type { EpochMs } from "../domain/time.ts";
import { MINUTE_MS } from "../domain/time.ts";
import { log } from "../platform/log.ts";
import type { AuditDesk } from "./audit-desk.ts";
import type { DutyStore } from "./duty-store.ts";
import type { GroupHoles } from "./group-holes.ts";
import type { GroupRules } from "./group-rules.ts";
import type { UnofferedHole } from "./hole-book.ts";
import type { Ledger } from "./ledger.ts";

/** The duty that offers holes to the queues. */
export const OFFER_DUTY = "offer";
/** What a full or unreachable queue did not take is offered again after this long. */
const OFFER_AGAIN_MS = MINUTE_MS;

/** What a group's dealings with the backfill queues need. */
export interface HoleDeskDeps {
  readonly group: number;
  readonly ledger: Ledger;
  readonly duties: DutyStore;
  readonly rules: () => GroupRules;
  readonly now: () => EpochMs;
  /** Told when a verb made flushes. */
  readonly onAppended: () => void;
  readonly offer: (tier: Tier, holes: readonly OfferedHole[]) => Promise<OfferAnswer>;
}

/**
 * The group's side of the backfill queues: it offers each hole to the queue of the symbol's tier until
 * that has it, and says of a job what of it is still to be asked. A queue that is full keeps what it has;
 * what it refuses stays here and is offered again.
 */
export class HoleDesk {
  #deps: HoleDeskDeps;

  constructor(deps: HoleDeskDeps) {
    this.#deps = deps;
  }

  /** The group's side of an audit against Postgres. */
  get audit(): AuditDesk {
    return this.#deps.ledger.audit;
  }

  /** Opens what has gone missing unseen, and plans the offer of what no queue has. */
  look(): void {
    this.#change((holes) => holes.look());
    this.plan();
  }

  /** What became of holes outside of an answer. */
  change(verb: "die" | "reopen" | "giveUp", ranges: readonly SymbolRange[]): void {
    this.#change((holes) => holes[verb](ranges));
  }

  /** The history lane has stored these: holes in them are filled, and who follows is told where to read. */
  fillStored(ranges: readonly StoredRange[]): void {
    this.#change((holes) => holes.fillStored(ranges));
  }

  /** Opens holes for what an audit found to lack in Postgres, and offers them; how many, as the audit says. */
  repair(repair: AuditRepair): number | null {
    const repaired = this.#change(() => this.#deps.ledger.audit.repair(repair));
    this.plan();
    return repaired;
  }

  /** Plans the offer when there is something to offer. */
  plan(): void {
    const { ledger, duties, now } = this.#deps;
    if (ledger.holes.unoffered(1).length > 0) duties.plan(OFFER_DUTY, now());
  }

  /** Offers what no queue has; plans the next offer when some is left. Rejects as the queues do. */
  async offer(): Promise<void> {
    const { ledger, duties, now } = this.#deps;
    let waitMs: number | null = null;
    try {
      const unoffered = ledger.holes.unoffered(MAX_OFFERED_HOLES);
      const byTier = Map.groupBy(unoffered, ({ slot }) => ledger.roster.members[slot]?.tier);
      let refused = 0;
      for (const tier of TIERS) {
        const holes = byTier.get(tier) ?? [];
        if (holes.length === 0) continue;
        const { taken } = await this.#deps.offer(tier, this.#offered(tier, holes));
        ledger.holes.markQueued(holes.slice(0, taken));
        refused += holes.length - taken;
      }
      if (refused > 0) waitMs = OFFER_AGAIN_MS;
      else if (unoffered.length === MAX_OFFERED_HOLES) waitMs = 0;
    } catch (error) {
      waitMs = OFFER_AGAIN_MS;
      throw error;
    } finally {
      if (waitMs !== null) duties.plan(OFFER_DUTY, now() + waitMs);
    }
  }

  /** Has daily bars fetched again; what a full queue refuses is said and left to a person. */
  async offerDays(days: readonly SymbolRange[]): Promise<void> {
    const { group, ledger } = this.#deps;
    const { roster } = ledger;
    const byTier = Map.groupBy(
      days,
      ({ symbol }) => roster.members[roster.slotOf(symbol) ?? -1]?.tier ?? "T2",
    );
    for (const [tier, own] of byTier) {
      const priority = this.#deps.rules().jobPriority[tier];
      const holes = own.map((day) => ({ ...day, group, interval: "1d" as const, priority }));
      const { taken } = await this.#deps.offer(tier, holes);
      const refused = holes.length - taken;
      if (refused > 0) log("error", "daily bars were not asked for again", { tier, refused });
    }
  }

  /** What of a job is to be asked for now. */
  planRun(run: BackfillRun): BackfillPlan {
    const { ledger, now } = this.#deps;
    const { roster, scope } = ledger;
    const range = { startMs: run.start_ms, endMs: run.end_ms };
    const isKept = range.startMs >= ledger.keptFromMs();
    const book = ledger.holes.book();
    const wanted = new Set(run.wanted);
    const { owed = [], stored = [] } = Object.groupBy(run.symbols, (symbol) => {
      const slot = roster.slotOf(symbol);
      // What of the range is owed decides: a symbol that joined within it has its holes from there on.
      const isOwed = slot !== undefined && roster.expects(slot, range.endMs - MINUTE_MS);
      if (isKept && isOwed) return "owed";
      // A hole whose symbol has left since is nobody's any more.
      const isOpen = slot !== undefined && book.openIn(slot, range).length > 0;
      return wanted.has(symbol) || isOpen ? "stored" : "dropped";
    });
    const symbols = scope.holeSymbols(owed, range, book);
    const ask = {
      ...withClosingWindow(range, this.#deps.rules().calendar),
      duty: `backfill:${run.id}`,
      symbols,
      priority: 0,
      settle: false,
      lane: run.tier,
      ownersAsked: false,
    };
    return { fetch: scope.fetchOf(ask, now()), stored };
  }

  #change<T>(act: (holes: GroupHoles) => T): T {
    const { stream, holes } = this.#deps.ledger;
    const { fs } = stream.head();
    const done = act(holes);
    if (stream.head().fs > fs) this.#deps.onAppended();
    return done;
  }

  #offered(tier: Tier, holes: readonly UnofferedHole[]): OfferedHole[] {
    const { group, ledger, now } = this.#deps;
    const { calendar, jobPriority } = this.#deps.rules();
    const nowMs = now();
    return holes.flatMap(({ slot, startMs, endMs }) => {
      const symbol = ledger.roster.members[slot]?.symbol;
      if (symbol === undefined) return [];
      const priority = holePriority(tier, startMs, nowMs, calendar, jobPriority[tier]);
      return [{ group, symbol, interval: "1m" as const, startMs, endMs, priority }];
    });
  }
}
