import { DurableObject } from "cloudflare:workers";
import type {
  HoleOrigin,
  HolePage,
  OfferAnswer,
  OfferedHole,
  QueueStatus,
} from "../src/contracts/backfill.ts";
import type { Death } from "../src/contracts/dead-letter.ts";
import { NotImplementedError } from "../src/contracts/errors.ts";

/** One per tier: the queue of holes to fill. Its verbs are declared, and built next. */
export class BackfillQueue extends DurableObject<Env> {
  /** Takes holes, oldest first, up to the cap; what it holds already is taken again and changes nothing. */
  async offer(_holes: readonly OfferedHole[], _origin: HoleOrigin): Promise<OfferAnswer> {
    throw new NotImplementedError("backfill queue");
  }

  /** Postgres holds the letters of these deaths: their rows go. Of any other death nothing changes. */
  async confirmDead(_deaths: readonly Death[]): Promise<void> {
    throw new NotImplementedError("backfill queue");
  }

  /** How many of `wanted` dead letters may be requeued now, and how long to wait when it is none. */
  async takeRequeues(_wanted: number): Promise<{ granted: number; waitMs: number }> {
    throw new NotImplementedError("backfill queue");
  }

  /** A page of the holes in the order in which they are run; `after` is the `next` of the page before. */
  async list(_after: number | null, _limit: number): Promise<HolePage> {
    throw new NotImplementedError("backfill queue");
  }

  async status(): Promise<QueueStatus> {
    throw new NotImplementedError("backfill queue");
  }
}
