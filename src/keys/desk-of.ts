import type { Settings } from "../env.ts";
import { wallClock } from "../platform/clocks.ts";
import { configStoreStub } from "../platform/stubs.ts";
import { askGrant } from "./ask-book.ts";
import { KeyDesk } from "./key-desk.ts";

// An isolate has one environment; a test may have several.
const desks = new WeakMap<Env, KeyDesk>();

/** The desk of this isolate. */
export function keyDeskOf(env: Env, { bootstrapKey }: Pick<Settings, "bootstrapKey">): KeyDesk {
  const known = desks.get(env);
  if (known !== undefined) return known;
  const desk = new KeyDesk({
    bootstrapKey,
    readGrant: (lookup) => askGrant(env, lookup),
    addUses: async (uses) => {
      await configStoreStub(env).addKeyUses(uses);
    },
    now: () => wallClock.now(),
    sleep: (delayMs) => new Promise((resolve) => setTimeout(resolve, delayMs)),
  });
  desks.set(env, desk);
  return desk;
}
