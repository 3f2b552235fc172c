import { DurableObject } from "cloudflare:workers";
import { NotImplementedError } from "../src/contracts/errors.ts";

/** One per tier: the queue of holes to fill. Declared so that its class migration is done; no verbs yet. */
export class BackfillQueue extends DurableObject<Env> {
  override async fetch(): Promise<Response> {
    throw new NotImplementedError("backfill queue");
  }
}
