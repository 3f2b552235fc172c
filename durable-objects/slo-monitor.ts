import { DurableObject } from "cloudflare:workers";
import { NotImplementedError } from "../src/contracts/errors.ts";

/** The sampler of service levels. Declared so that its class migration is done; no verbs yet. */
export class SloMonitor extends DurableObject<Env> {
  override async fetch(): Promise<Response> {
    throw new NotImplementedError("SLO monitor");
  }
}
