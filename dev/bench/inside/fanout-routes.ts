import { z } from "zod";
import { hostName } from "../../../src/domain/host-name.ts";
import { groupName } from "../../../src/domain/symbol.ts";
import { stepMarketClock, wallClock } from "../../../src/platform/clocks.ts";
import { FANOUT_GROUPS, fanoutAnswer, fanoutTime } from "../fanout-market.ts";
import { SIDE_PATHS, sideQuerySchema } from "../fanout-sides.ts";

const PUBLISH_PATH = "/bench/publish";

const publishSchema = z.object({
  groups: z.coerce.number().int().min(1).max(FANOUT_GROUPS),
  minute: z.coerce.number().int().min(0).max(380),
});

/** Of the two sides: host-only instances, which have no other work. */
const OBJECT_NUMBERS = { host: 98, bare: 99 } as const;

/** Answers a request of the fan-out benchmark; null: it is none. */
export async function answerFanout(request: Request, env: Env): Promise<Response | null> {
  const { pathname, searchParams } = new URL(request.url);
  const query = Object.fromEntries(searchParams);
  if (pathname.startsWith(SIDE_PATHS.prefix)) {
    const number = OBJECT_NUMBERS[sideQuerySchema.parse(query).side];
    const name = hostName({ kind: "extra", region: "enam", number });
    return await env.SYMBOL_GROUP.getByName(name).fetch(request);
  }
  if (pathname !== PUBLISH_PATH) return null;
  const { groups, minute } = publishSchema.parse(query);
  await publish(env, groups, minute);
  return new Response(null, { status: 204 });
}

/** Hands the bars of a minute to the first groups, as their runners would: all at once. */
async function publish(env: Env, groups: number, minute: number): Promise<void> {
  stepMarketClock(fanoutTime(minute));
  const receivedAt = wallClock.now();
  await Promise.all(
    Array.from({ length: groups }, async (_, group) => {
      const home = env.SYMBOL_GROUP.getByName(groupName(group));
      await home.ingest("bench", fanoutAnswer(group, minute, receivedAt));
    }),
  );
}
