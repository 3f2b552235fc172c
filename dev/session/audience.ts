import type { EpochMs } from "../../src/domain/time.ts";
import type { LocalStack } from "../stack/local-stack.ts";
import type { ChurnCrowd } from "./churn/churn-crowd.ts";
import type { SessionClients, StreamResult } from "./clients.ts";
import type { GapCounts } from "./gap-events.ts";

const MAX_FAULTS = 20;

/** The clients of a session: those that stay, and a crowd that comes and goes. */
export class Audience {
  #stayers: SessionClients;
  #crowd: ChurnCrowd | null;

  constructor(stayers: SessionClients, crowd: ChurnCrowd | null) {
    this.#stayers = stayers;
    this.#crowd = crowd;
  }

  async connect(): Promise<void> {
    await this.#stayers.connect();
    await this.#crowd?.connect();
  }

  /** All leave for the night, and come back with `connect`, each from where it was. */
  async leave(): Promise<void> {
    await this.#stayers.leave();
    await this.#crowd?.leave();
  }

  /** Drops and resumes whoever does so by now. */
  async at(nowMs: EpochMs): Promise<void> {
    await this.#stayers.at(nowMs);
    await this.#crowd?.at(nowMs);
  }

  /** Waits until everybody stands where Postgres does; what has not come by then is lost. */
  async catchUp(stack: LocalStack): Promise<void> {
    await this.#crowd?.catchUp();
    await this.#stayers.catchUp(stack);
  }

  close(): void {
    this.#stayers.close();
    this.#crowd?.close();
  }

  /** As the client that takes everything and stays saw it; null without one. */
  mostNoTrade(): ReadonlyMap<string, number> | null {
    return this.#stayers.mostNoTrade();
  }

  gapEvents(): GapCounts | null {
    return this.#stayers.gapEvents();
  }

  /** What all of them got, held against what was carried. */
  async result(beliefs: ReadonlySet<string>): Promise<StreamResult> {
    const stayed = this.#stayers.result(beliefs);
    if (this.#crowd === null) return stayed;
    const { facts, faults, ...churned } = await this.#crowd.result();
    const handedOff = Object.values(facts.handed_off).reduce((sum, count) => sum + count, 0);
    return {
      clients: stayed.clients + churned.clients,
      expected: stayed.expected + churned.expected,
      delivered: stayed.delivered + churned.delivered,
      lost: stayed.lost + churned.lost,
      duplicate: stayed.duplicate + churned.duplicate,
      recovered_pct: facts.recovered_pct,
      handed_off: stayed.handed_off + handedOff,
      churn: facts,
      faults: [...faults, ...stayed.faults].slice(0, MAX_FAULTS),
    };
  }
}
